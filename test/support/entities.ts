import {
  type DomainFacts,
  type DomainReport,
  type EvidenceStamp,
  initialRow,
  type NicSample,
  type ReportedVmDynamic,
  type Vds,
  type VdsCapabilitiesReport,
  type VdsDynamic,
  type VdsStatic,
  type VdsStatsReport,
  type VdsStatus,
  type Vm,
  type VmDynamic,
  type VmReport,
  type VmStatic,
  type VmStatisticsSample,
  type VmStatsReport,
  type VmStatus,
  vdsDynamicFields,
  vdsStaticFields,
  vmDynamicFields,
  vmStaticFields,
} from '../../src/model/index.js';

/** Entities and reports as tests need them: everything usual unless it is said. Ids are also the names. */

type HostMore = Partial<Omit<VdsDynamic, 'id'>> & { readonly static?: Partial<VdsStatic> } & Partial<
    Pick<Vds, 'interfaces'>
  >;

export function host(id = 'h1', status: VdsStatus = 'Up', more: HostMore = {}): Vds {
  const { static: facts, interfaces, ...dynamic } = more;
  return {
    id,
    static: { ...initialRow(vdsStaticFields), id, name: id, address: `${id}.example`, clusterId: 'c1', ...facts },
    dynamic: { ...initialRow(vdsDynamicFields), id, status, ...dynamic },
    interfaces: interfaces ?? [],
  };
}

type VmMore = Partial<Omit<VmDynamic, 'id' | 'status'>> & { readonly static?: Partial<VmStatic> } & Partial<
    Pick<Vm, 'guestInterfaces' | 'jobs' | 'devices'>
  >;

/** A VM that runs on h1, or nowhere when it is Down. */
export function vm(id = 'v1', status: VmStatus = 'Up', more: VmMore = {}): Vm {
  const { static: facts, guestInterfaces, jobs, devices, ...dynamic } = more;
  return {
    id,
    static: { ...initialRow(vmStaticFields), id, name: id, clusterId: 'c1', ...facts },
    dynamic: {
      ...initialRow(vmDynamicFields),
      ...{ id, status, runOnVds: status === 'Down' ? null : 'h1', statusSince: 100 },
      ...dynamic,
    },
    guestInterfaces: guestInterfaces ?? [],
    jobs: jobs ?? [],
    devices: devices ?? [],
  };
}

/** All agent-owned fields with the values that a poll gives for what is missing (monitoring-rules.md §4.1). */
const pollDefaults: ReportedVmDynamic = Object.fromEntries(
  Object.entries(vmDynamicFields)
    .filter(([, field]) => field.owner === 'agent')
    .map(([name, field]) => [name, field.initial]),
);

export type ReportMore = Omit<ReportedVmDynamic, 'status'> &
  Partial<Pick<VmReport, 'vmName' | 'timestamp' | 'deviceHash'>> & {
    readonly sample?: Partial<VmStatisticsSample>;
    readonly nics?: ReturnType<VmReport['guestInterfaces']>;
    readonly jobs?: ReturnType<VmReport['jobs']>;
  };

/** One VM in the answer of a poll: all fields are there, and equal to those of `vm(id, status)`. */
export function polled(vmId = 'v1', status: VmStatus = 'Up', more: ReportMore = {}): VmReport {
  const { vmName, timestamp, deviceHash, sample: measured, nics, jobs, ...dynamic } = more;
  return {
    ...{ vmId, status, tpmHash: null, nvramHash: null },
    vmName: vmName === undefined ? vmId : vmName,
    timestamp: timestamp ?? null,
    deviceHash: deviceHash ?? null,
    dynamic: { ...pollDefaults, status, ...dynamic },
    figuresVersion: 0,
    statistics: () => (measured === undefined ? null : sample(measured)),
    guestInterfaces: () => nics ?? null,
    jobs: () => jobs ?? null,
  };
}

/** One VM in a push: only the fields that are said. */
export function pushed(vmId = 'v1', status: VmStatus = 'Up', more: ReportMore = {}): VmReport {
  const { vmName, timestamp, deviceHash, sample: _, nics: __, jobs: ___, ...dynamic } = more;
  return { ...polled(vmId, status, more), dynamic: { status, ...dynamic }, statistics: () => null };
}

/** Figures of a VM; what is not said was not reported. */
export function sample(more: Partial<VmStatisticsSample> = {}): VmStatisticsSample {
  return {
    ...{ cpuUser: null, cpuSys: null, elapsedSeconds: null, memUsagePercent: null, vcpuCount: null },
    ...{ disksUsage: null, memory: null, balloon: null, nics: null, disks: null, migrationProgress: null },
    ...more,
  };
}

/** libvirt's description of a VM; what is not said is not in it. */
export function domain(vmId: string, more: Partial<DomainFacts> = {}): DomainReport {
  const nothing: DomainFacts = { name: vmId, vcpus: null, memoryMb: null, devices: [], guestDisks: new Map() };
  return { vmId, size: 0, read: () => ({ ...nothing, ...more }) };
}

export function nicSample(name: string, more: Partial<NicSample> = {}): NicSample {
  return {
    ...{ name, macAddr: null, status: 'UP', speedMbps: 1000, sampleTime: null },
    ...{ rxBytes: null, txBytes: null, rxDropped: null, txDropped: null },
    ...more,
  };
}

/** An answer of getAllVmStats. `unreadable`: VMs that are in it, but whose entry could not be read. */
export function vmStats(
  reports: readonly VmReport[],
  more: { readonly complete?: boolean; readonly unreadable?: readonly string[] } = {},
): VmStatsReport {
  const byId = new Map(reports.map((report) => [report.vmId, report]));
  const ids = [...byId.keys(), ...(more.unreadable ?? [])];
  return {
    complete: more.complete ?? true,
    size: ids.length,
    has: (id) => ids.includes(id),
    ids: () => ids,
    get: (id) => byId.get(id),
    all: () => reports,
    changed: () => reports,
    problems: (more.unreadable ?? []).map((vmId) => ({ path: `vms.${vmId}`, message: 'unreadable', vmId })),
  };
}

/** An answer of getStats; what is not said was not reported. */
export function hostStats(more: Partial<VdsStatsReport> = {}): VdsStatsReport {
  return {
    ...{ dynamic: {}, statistics: {}, nics: [], numaNodes: [], agentTime: null },
    ...{ storageDomains: null, diskFreeMb: null, multipath: null, problems: [] },
    ...more,
  };
}

/** An answer of getCapabilities: a CPU of some model; what is not said was not reported. */
export function capabilities(more: Partial<VdsCapabilitiesReport> = {}): VdsCapabilitiesReport {
  return {
    ...{
      dynamic: {},
      interfaces: [],
      networks: [],
      cpuFlags: ['model_X'],
      clusterLevels: null,
      supportedEngines: null,
    },
    ...{ emulatedMachines: null, rngSources: null, additionalFeatures: null, selinuxMode: null, problems: [] },
    ...more,
  };
}

export function stamp(more: Partial<EvidenceStamp> = {}): EvidenceStamp {
  return {
    ...{ host: 'h1', session: 1, kind: 'poll', seq: 7, requestedAt: 900, receivedAt: 1000, complete: true },
    ...more,
  };
}
