export type {
  Cause,
  Change,
  ChangeRecord,
  CommitterState,
  EventName,
  EventRecord,
  Evidence,
  Intent,
  IntentKind,
  IntentRecord,
  LogRecord,
  Severity,
  Store,
} from './events/index.js';
export { catalogue } from './events/index.js';
export type { Fetcher, VdsFetcher, VmFetcher } from './fetcher/index.js';
export type { Clock, ErrorCode, Ids, Random, Scheduler, Telemetry } from './kernel/index.js';
export { errorRegistry, hours, minutes, seconds, VurtiError } from './kernel/index.js';
export type {
  ClusterSpec,
  FieldChange,
  Freshness,
  HostSpec,
  MonitorSettings,
  ReportedDevice,
  VdsStatus,
  VmDevice,
  VmSpec,
  VmStatus,
} from './model/index.js';
export { defaultSettings, vdsStatusIds, vmStatusIds } from './model/index.js';
export {
  type AgentTlsOptions,
  createMonitor,
  type DeviceSpec,
  type DeviceWord,
  type Explanation,
  type HostView,
  type IntentHandler,
  type IntentsApi,
  type LogFilter,
  type Monitor,
  type MonitorOptions,
  type MonitorStatus,
  ofType,
  type TailFrame,
  type TailGap,
  tokens,
  VERSION,
  type VmView,
} from './monitor/index.js';
