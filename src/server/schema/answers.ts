import type { z } from 'zod';
import { cluster, command, host, inventoryEntry, setting, vm } from './entities.js';
import { change, event, intent, pendingIntent, streamFrames } from './records.js';
import {
  explanation,
  item,
  list,
  liveness,
  logPage,
  problem,
  rawAnswer,
  readinessAnswer,
  reload,
  sink,
  statusAnswer,
} from './service.js';

/** With `fields` an item has only the keys that were asked for: such an answer has a kind of its own. */
const lists = {
  HostList: list('HostList', host),
  PartialHostList: list('PartialHostList', host.partial()),
  VmList: list('VmList', vm),
  PartialVmList: list('PartialVmList', vm.partial()),
  ClusterList: list('ClusterList', cluster),
  PartialClusterList: list('PartialClusterList', cluster.partial()),
  IntentList: list('IntentList', pendingIntent),
  PartialIntentList: list('PartialIntentList', pendingIntent.partial()),
  CommandList: list('CommandList', command),
  PartialCommandList: list('PartialCommandList', command.partial()),
  InventoryList: list('InventoryList', inventoryEntry),
  SettingList: list('SettingList', setting),
  SinkList: list('SinkList', sink),
  EventList: logPage('EventList', event),
  PartialEventList: logPage('PartialEventList', event.partial()),
  ChangeList: logPage('ChangeList', change),
  PartialChangeList: logPage('PartialChangeList', change.partial()),
};

/** Every answer and what it is made of, by its name in the OpenAPI document; also the files of schemas/. */
export const schemas = {
  Host: host,
  Vm: vm,
  Cluster: cluster,
  InventoryEntry: inventoryEntry,
  Command: command,
  Setting: setting,
  Sink: sink,
  Event: event,
  Change: change,
  Intent: intent,
  PendingIntent: pendingIntent,
  Explanation: explanation,
  Problem: problem,
  StreamHello: streamFrames.hello,
  StreamCheckpoint: streamFrames.checkpoint,
  StreamGap: streamFrames.gap,
  StreamEnd: streamFrames.end,
  Liveness: liveness,
  Readiness: readinessAnswer,
  Status: statusAnswer,
  HostAnswer: item('Host', host),
  VmAnswer: item('Vm', vm),
  ClusterAnswer: item('Cluster', cluster),
  CommandAnswer: item('Command', command),
  IntentAnswer: item('Intent', pendingIntent),
  ReloadAnswer: item('Reload', reload),
  RawAnswer: item('Raw', rawAnswer),
  ExplanationAnswer: item('Explanation', explanation),
  ...lists,
} as const satisfies Record<string, z.ZodType>;

export type SchemaName = keyof typeof schemas;
