import { boolOr, int, label, oneOf, ownJson, type RowOf, text } from './field.js';

const ours = { owner: 'vurti' } as const;

const networkStatusIds = { OPERATIONAL: 0, NON_OPERATIONAL: 1 } as const;
const migrateOnErrorIds = { NO: 0, YES: 1, HA_ONLY: 2 } as const;
const memThresholdTypeIds = { PERCENTAGE: 0, ABSOLUTE: 1 } as const;

/** A cluster's facts. A null means "not known": the rules that need it are off, and say so. Key: id. */
export const clusterFields = {
  id: label('cluster_id', ours),
  name: label('name', ours),
  cpuName: text('cpu_name', ours),
  /** Flags that every host of the cluster must have. */
  cpuFlags: ownJson<readonly string[]>('cpu_flags'),
  architecture: text('architecture', ours),
  compatibilityVersion: text('compatibility_version', ours),
  emulatedMachine: text('emulated_machine', ours),
  additionalRngSources: ownJson<readonly string[]>('additional_rng_sources'),
  requiredFeatures: ownJson<readonly string[]>('required_features'),
  migrateOnError: oneOf('migrate_on_error', migrateOnErrorIds, 'YES', ours),
  /** Per cent used, or MiB free. null: thresholds.memoryPercent of the settings. */
  memThreshold: int('log_max_memory_used_threshold', ours),
  memThresholdType: oneOf('log_max_memory_used_threshold_type', memThresholdTypeIds, 'PERCENTAGE', ours),
  ballooning: boolOr('enable_balloon', false, ours),
  gluster: boolOr('gluster_service', false, ours),
  upgradeMode: boolOr('upgrade_running', false, ours),
  fencingEnabled: boolOr('fencing_enabled', true, ours),
  skipFencingIfConnectivityBroken: boolOr('skip_fencing_if_connectivity_broken', false, ours),
  hostsWithBrokenConnectivityThreshold: int('hosts_with_broken_connectivity_threshold', ours),
} as const;
export type Cluster = RowOf<typeof clusterFields>;

/** A logical network of a cluster. Key: clusterId, name. */
export const clusterNetworkFields = {
  clusterId: label('cluster_id', ours),
  name: label('network_name', ours),
  required: boolOr('required', false, ours),
  vmNetwork: boolOr('vm_network', false, ours),
  display: boolOr('is_display', false, ours),
  status: oneOf('status', networkStatusIds, 'OPERATIONAL', ours),
} as const;
export type ClusterNetwork = RowOf<typeof clusterNetworkFields>;
