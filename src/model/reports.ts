import type { SampleRow } from './sample-row.js';
import type { NumaNode, StorageDomainHealth, VdsDynamic, VdsInterface, VdsStatistics } from './vds.js';
import type { InterfaceStatus } from './vds-status.js';
import type { DiskUsage, GuestInterface, ReportedVmDynamic, VmJob } from './vm.js';
import type { VmStatus } from './vm-status.js';

/**
 * What an agent said, decoded. Reports are interfaces, not JSON: a reader may decode a field only when it is asked
 * for, or only the VMs that differ from its last answer. They are read-only and stay valid after the next answer, but
 * for what was measured of a VM: see VmReport.
 */

/** Whole and never negative: a number up to 2^53, beyond it a bigint. Totals are kept and stored as bigint. */
export type Count = number | bigint;

/** The count as it is stored; null stays null. */
export function exactCount(count: Count | null): bigint | null {
  return typeof count === 'number' ? BigInt(count) : count;
}

/** A field or an entry that could not be read; the rest of the report is good. */
export interface ReportProblem {
  /** Where, e.g. "vms[3].cpuUser". */
  readonly path: string;
  readonly message: string;
  readonly vmId: string | null;
}

/** Counters of a nic at one moment. Bytes and packets since an unknown beginning. */
export interface NicSample {
  readonly name: string;
  readonly macAddr: string | null;
  readonly status: InterfaceStatus;
  readonly speedMbps: number | null;
  readonly rxBytes: Count | null;
  readonly txBytes: Count | null;
  readonly rxDropped: Count | null;
  readonly txDropped: Count | null;
  /** Seconds; on the host the epoch, in a VM the host's uptime. Only differences mean anything. */
  readonly sampleTime: number | null;
}

/** Answer of Host.getStats (monitoring-rules.md §8.1). Absent keys were not reported. */
export interface VdsStatsReport {
  readonly dynamic: Partial<
    Pick<
      VdsDynamic,
      | 'vmCount'
      | 'vmActive'
      | 'vmMigrating'
      | 'incomingMigrations'
      | 'outgoingMigrations'
      | 'netConfigDirty'
      | 'transparentHugepagesState'
    >
  >;
  /** usageMemPercent and usageNetworkPercent are computed later: they need the host's memory and two answers. */
  readonly statistics: Partial<Omit<VdsStatistics, 'id' | 'usageMemPercent' | 'usageNetworkPercent'>>;
  readonly nics: readonly NicSample[];
  readonly numaNodes: readonly Omit<NumaNode, 'hostId'>[];
  /** The host's own clock (dateTime), ms since the epoch. */
  readonly agentTime: number | null;
  readonly storageDomains: Readonly<Record<string, StorageDomainHealth>> | null;
  /** MiB free by path. */
  readonly diskFreeMb: Readonly<Record<string, number | null>> | null;
  /** Valid paths by device. null: the answer has no such part. */
  readonly multipath: Readonly<Record<string, number>> | null;
  readonly problems: readonly ReportProblem[];
}

export type SelinuxMode = 'DISABLED' | 'PERMISSIVE' | 'ENFORCING';

/** Answer of Host.getCapabilities (§8.2). Lists are null when not reported. */
export interface VdsCapabilitiesReport {
  /** The agent-owned columns of the host's row, as far as reported. */
  readonly dynamic: Partial<VdsDynamic>;
  readonly interfaces: readonly Omit<VdsInterface, 'hostId'>[];
  /** Networks found on the host, by name. */
  readonly networks: readonly { readonly name: string; readonly bridged: boolean }[];
  readonly cpuFlags: readonly string[] | null;
  readonly clusterLevels: readonly string[] | null;
  readonly supportedEngines: readonly string[] | null;
  readonly emulatedMachines: readonly string[] | null;
  readonly rngSources: readonly string[] | null;
  readonly additionalFeatures: readonly string[] | null;
  readonly selinuxMode: SelinuxMode | null;
  readonly problems: readonly ReportProblem[];
}

/** Answer of Host.getHardwareInfo. */
export interface VdsHardwareReport {
  readonly dynamic: Pick<
    VdsDynamic,
    'hwManufacturer' | 'hwProductName' | 'hwVersion' | 'hwSerialNumber' | 'hwUuid' | 'hwFamily'
  >;
}

export interface VmDiskSample {
  /** Target in the guest (vda). */
  readonly device: string;
  readonly imageId: string | null;
  readonly lunGuid: string | null;
  readonly readRate: number | null;
  readonly writeRate: number | null;
  readonly readOps: Count | null;
  readonly writeOps: Count | null;
  /** Nanoseconds per operation. */
  readonly readLatencyNs: number | null;
  readonly writeLatencyNs: number | null;
  readonly flushLatencyNs: number | null;
  readonly trueSize: Count | null;
}

/** The measured part of a VM's report (§8.3). null: not reported. */
export interface VmStatisticsSample {
  /** Per cent of one CPU, all vCPUs together; null also when the agent marks them as placeholders (cpuActual false). */
  readonly cpuUser: number | null;
  readonly cpuSys: number | null;
  readonly elapsedSeconds: number | null;
  readonly memUsagePercent: number | null;
  readonly vcpuCount: number | null;
  readonly disksUsage: readonly DiskUsage[] | null;
  /** KiB. */
  readonly memory: {
    readonly buffered: number | null;
    readonly cached: number | null;
    readonly free: number | null;
    readonly unused: number | null;
  } | null;
  /** KiB; null when the agent sent fewer than four of its keys: no balloon. */
  readonly balloon: {
    readonly current: number;
    readonly max: number;
    readonly min: number;
    readonly target: number;
  } | null;
  readonly nics: readonly NicSample[] | null;
  readonly disks: readonly VmDiskSample[] | null;
  readonly migrationProgress: number | null;
  /** The same numbers once more, where the reader keeps them in a row. */
  readonly row?: SampleRow;
}

/**
 * One VM in an answer or a push.
 *
 * A reader with memory gives the same object again while only measured values, the timestamp or members that nobody reads
 * differ from its previous answer of the host. `timestamp` and what `statistics()` gives are then those of the newest
 * answer: valid until the next one of the same host is read, and copied by whoever keeps them. All the rest never changes
 * in one object.
 */
export interface VmReport {
  readonly vmId: string;
  /** null when not reported (a Down VM has none). */
  readonly vmName: string | null;
  /** Translated, monitorResponse applied. */
  readonly status: VmStatus;
  /** The agent's event clock (statusTime, notify_time): orders reports of one host within one boot. */
  readonly timestamp: number | null;
  /** State fields. A poll gives all of them, with defaults for what was missing; a push gives only those present. */
  readonly dynamic: ReportedVmDynamic;
  /** Fingerprints as text; null: not reported. */
  readonly deviceHash: string | null;
  readonly tpmHash: string | null;
  readonly nvramHash: string | null;
  /** Grows whenever a measured value differs from the answer before; of a reader without memory always 0. */
  readonly figuresVersion: number;
  /** null: this kind of report has none (push, list, Down VM). */
  statistics(): VmStatisticsSample | null;
  /** null: not reported, which is not the same as none. */
  guestInterfaces(): readonly Omit<GuestInterface, 'vmId'>[] | null;
  /** null: not known yet; [] means surely none. */
  jobs(): readonly Omit<VmJob, 'vmId'>[] | null;
}

/** Answer of Host.getAllVmStats: all pages of one pass. */
export interface VmStatsReport {
  /** Whether a VM that is not in it is absent from the host. */
  readonly complete: boolean;
  /** VMs in it, unreadable ones with a known id included. */
  readonly size: number;
  /** True also for a VM whose entry could not be read: it was reported, so it is not absent. */
  has(vmId: string): boolean;
  ids(): Iterable<string>;
  get(vmId: string): VmReport | undefined;
  /** All readable VMs, in the order of the answer. */
  all(): readonly VmReport[];
  /**
   * Those of `all()` that are another object than in the reader's previous answer of this host, whose state may differ
   * therefore. A reader without memory gives all of them.
   */
  changed(): readonly VmReport[];
  readonly problems: readonly ReportProblem[];
}

/** Answer of Host.getVMList. */
export interface VmListReport {
  readonly vms: readonly { readonly vmId: string; readonly status: VmStatus | null }[];
}
