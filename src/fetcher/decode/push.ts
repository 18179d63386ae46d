import type { AgentPush, HostEndpoint, MigrationProgress } from '../../model/index.js';
import { isCleanKey } from '../text.js';
import { Problems } from './problems.js';
import { isObject, type JsonObject, Reader } from './reader.js';
import { decodeVmStatusEvent } from './vm-event.js';

/** A method is a few words and an id; nobody splits a megabyte of bars. */
const LONGEST_METHOD = 512;

type Decode = (host: HostEndpoint, id: string, params: unknown) => AgentPush | null;

/** By component and operation. */
const kinds: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ['virt|VM_status', (host, _, params) => ({ kind: 'vmStatus', ...decodeVmStatusEvent(host, params) })],
  ['virt|VM_migration_status', (_, __, params) => migrationPush(params)],
  ['net|host_conn', (_, __, params) => ({ kind: 'hostConnection', ...headOf(params) })],
  ['jobs|status', (_, id, params) => jobPush(id, params)],
]);

/**
 * One message that an agent sent unasked (vdsm-protocol.md §5.1, §5.3). null: not of a kind that is handed on. Never
 * throws: what cannot be read is left out and is a problem of the push.
 */
export function decodePush(host: HostEndpoint, method: unknown, params: unknown): AgentPush | null {
  if (typeof method !== 'string' || method.length > LONGEST_METHOD) return null;
  // The receiver, in front of the first bar, is empty on the wire.
  const [, component, operation, id, ...more] = method.split('|');
  if (id === undefined || more.length > 0) return null;
  return kinds.get(`${component}|${operation}`)?.(host, id, params) ?? null;
}

/** Of a push without anything to read but its time. */
function headOf(params: unknown): Pick<AgentPush, 'notifyTime' | 'problems'> {
  const problems = new Problems();
  const notifyTime = isObject(params) ? notifyTimeOf(params, problems) : null;
  return { notifyTime, problems: problems.list() };
}

function notifyTimeOf(params: JsonObject, problems: Problems): number | null {
  return new Reader(params, '', problems).float('notify_time') ?? null;
}

/** Per VM: how far it is. */
function migrationPush(params: unknown): AgentPush {
  const problems = new Problems();
  if (!isObject(params)) {
    problems.add('params', 'not an object');
    return { kind: 'vmMigration', migrations: [], notifyTime: null, problems: problems.list() };
  }
  const event = new Reader(params, '', problems);
  const migrations: MigrationProgress[] = [];
  for (const vmId of event.names()) {
    const vm = vmId === 'notify_time' ? undefined : event.object(vmId);
    if (vm === undefined) continue;
    const progress = vm.float('progress', 1e9);
    migrations.push({
      vmId,
      progress: progress === undefined ? null : Math.trunc(Math.min(100, Math.max(0, progress))),
      postcopy: vm.bool('postcopy') ?? false,
      downtimeMs: vm.int('downtime') ?? null,
    });
  }
  return { kind: 'vmMigration', migrations, notifyTime: notifyTimeOf(params, problems), problems: problems.list() };
}

/** null: it does not say which job. */
function jobPush(idInMethod: string, params: unknown): AgentPush | null {
  const problems = new Problems();
  const job = new Reader(isObject(params) ? params : {}, '', problems);
  const jobId = job.key('id') ?? idInMethod;
  if (!isCleanKey(jobId)) return null;
  const status = job.text('status', 64) || null;
  const notifyTime = job.float('notify_time') ?? null;
  return { kind: 'hostJob', jobId, status, notifyTime, problems: problems.list() };
}
