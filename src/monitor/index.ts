export { type Examination, type ExamStep, examineHost } from '../fetcher/index.js';
export { intentKinds, intentText } from '../rules/index.js';
export { type MigrationPlan, planOfNothing, type RowCount } from '../store/index.js';
export {
  type LogFilter,
  type RecordTest,
  recordTest,
  type TailFrame,
  type TailGap,
  type TailReader,
} from '../tail/index.js';
export type {
  AgentFigures,
  ClustersApi,
  DeviceSpec,
  DeviceWord,
  Explanation,
  ExplanationEvidence,
  Filter,
  HostFilter,
  HostsApi,
  HostView,
  InventoryEntry,
  InventoryPage,
  InventoryPlace,
  InventoryQuery,
  LogApi,
  LogQuery,
  Monitor,
  MonitorFigures,
  MonitorStatus,
  NamePlace,
  Page,
  PageQuery,
  ReadinessLevel,
  VmFilter,
  VmsApi,
  VmView,
} from './api.js';
export type { DatabaseAway } from './await-database.js';
export { createMonitor } from './create-monitor.js';
export type { IntentHandler, IntentsApi } from './intents/index.js';
export { type HostChanges, type HostSource, InventorySources } from './inventory/index.js';
export { ofType } from './of-type.js';
export { openDatabase, upgradeDatabase } from './open-database.js';
export type { AgentTlsOptions, MonitorOptions } from './options.js';
export type { ReloadReport } from './reload-report.js';
export * from './settings/index.js';
export { tokens } from './tokens.js';
export { VERSION } from './version.js';
