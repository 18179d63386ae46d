import type { EventName } from '../../events/index.js';
import type { Cluster, ClusterNetwork, NonOperationalReason } from '../../model/index.js';
import type { CapabilitiesCase } from './case.js';
import type { HostDraft } from './draft.js';

/** What a broken rule comes to. */
export interface Broken {
  readonly reason: NonOperationalReason;
  readonly event: EventName;
  readonly params: Readonly<Record<string, string>>;
  readonly more?: readonly { readonly name: EventName; readonly params: Readonly<Record<string, string>> }[];
}

export type ClusterKnows = (cluster: Cluster, networks: ReadonlyMap<string, ClusterNetwork>) => boolean;

/** One check of a host's capabilities against its cluster. */
export interface CapabilityCheck {
  readonly name: string;
  readonly doc: string;
  /** The facts that it needs; without them it is off, and says so (principle 3). null: it needs none. */
  readonly needs: string | null;
  /** Whether they are known of the cluster; absent: it needs none of it. */
  readonly clusterKnows?: ClusterKnows;
  readonly known: (c: CapabilitiesCase) => boolean;
  readonly broken: (c: CapabilitiesCase) => Broken | null;
}

const broken = (reason: NonOperationalReason, event: EventName, params: Record<string, string> = {}): Broken => ({
  reason,
  event,
  params,
});
const list = (values: readonly string[] | null): string => (values ?? []).join(',');
const always = (): boolean => true;
/** A cluster that has no networks at all was not told of: each has one for its management. */
export const knowsNetworks: ClusterKnows = (_, networks) => networks.size > 0;

/** Networks that the host must have and has not (monitoring-rules.md §2.4 row 2). */
export function missingNetworks(
  required: Iterable<ClusterNetwork>,
  onHost: readonly { readonly name: string }[],
): string[] {
  const names = new Set(onHost.map((network) => network.name));
  return [...required]
    .filter((network) => network.required && network.status === 'OPERATIONAL' && !names.has(network.name))
    .map((network) => network.name)
    .sort();
}

/** RHEL and its kin: major version by name, null for any other system or an unusual text. */
function rhelMajor(os: string | null): string | null {
  const parts = os?.split('-').map((part) => part.trim()) ?? [];
  if (parts.length !== 3 || !['RHEL', 'oVirt Node', 'RHEV Hypervisor'].includes(parts[0] as string)) return null;
  return /el([67])/.exec(parts[2] as string)?.[1] ?? null;
}

/** null: the host tells none, and nothing follows from that (§2.4.1). */
export function flagsOf({ report }: CapabilitiesCase): readonly string[] | null {
  return report.cpuFlags === null || report.cpuFlags.length === 0 ? null : report.cpuFlags;
}

/** The CPU check looks only when something may have changed: no contact before, or other flags (§2.4 rows 5 and 11). */
function cpuChanged(c: CapabilitiesCase): boolean {
  const { status, cpuFlags } = c.host.dynamic;
  return status !== 'Up' || (c.report.dynamic.cpuFlags ?? cpuFlags) !== cpuFlags;
}

/** In this order; the first that is broken decides (§2.4, §2.4.1, §2.4.2). */
export const capabilityChecks: readonly CapabilityCheck[] = [
  {
    name: 'host.check.required-networks',
    doc: 'Each required, operational network of the cluster is on the host.',
    needs: 'networks of the cluster',
    clusterKnows: knowsNetworks,
    known: (c) => c.networks.size > 0,
    broken: (c) => {
      const missing = missingNetworks(c.networks.values(), c.report.networks);
      return missing.length === 0
        ? null
        : broken('NETWORK_UNREACHABLE', 'VDS_SET_NONOPERATIONAL_NETWORK', { Networks: missing.join(',') });
    },
  },
  {
    name: 'host.check.vm-networks-bridged',
    doc: 'Each VM network of the cluster that is on the host has a bridge there.',
    needs: 'networks of the cluster',
    clusterKnows: knowsNetworks,
    known: (c) => c.networks.size > 0,
    broken: (c) => {
      const bare = c.report.networks.filter(
        ({ name, bridged }) => !bridged && c.networks.get(name)?.vmNetwork === true,
      );
      if (bare.length === 0) return null;
      const Networks = bare
        .map(({ name }) => name)
        .sort()
        .join(',');
      return broken('VM_NETWORK_IS_BRIDGELESS', 'VDS_SET_NON_OPERATIONAL_VM_NETWORK_IS_BRIDGELESS', { Networks });
    },
  },
  {
    name: 'host.check.cpu-model',
    doc: 'The host’s CPU flags name a model that is known.',
    needs: 'CPU flags of the host',
    known: (c) => flagsOf(c) !== null,
    broken: (c) =>
      cpuChanged(c) && flagsOf(c)?.some((flag) => flag.startsWith('model_')) === false
        ? broken('CPU_TYPE_UNSUPPORTED_IN_THIS_CLUSTER_VERSION', 'CPU_TYPE_UNSUPPORTED_IN_THIS_CLUSTER_VERSION')
        : null,
  },
  {
    name: 'host.check.cpu-flags',
    doc: 'The host has every CPU flag that its cluster asks for.',
    needs: 'CPU flags of the cluster',
    clusterKnows: (cluster) => cluster.cpuFlags !== null,
    known: (c) => flagsOf(c) !== null && (c.cluster?.cpuFlags ?? null) !== null,
    broken: (c) => {
      if (!cpuChanged(c)) return null;
      const missing = (c.cluster?.cpuFlags ?? []).filter((flag) => flagsOf(c)?.includes(flag) === false);
      if (missing.length === 0) return null;
      return {
        ...broken('CPU_TYPE_INCOMPATIBLE_WITH_CLUSTER', 'VDS_CPU_LOWER_THAN_CLUSTER', { CpuFlags: missing.join(',') }),
        more: missing.includes('nx') ? [{ name: 'CPU_FLAGS_NX_IS_MISSING', params: {} }] : [],
      };
    },
  },
  {
    name: 'host.check.kvm',
    doc: 'KVM works on the host; not reported counts as working.',
    needs: null,
    known: always,
    broken: (c) => (c.report.dynamic.kvmEnabled === false ? broken('KVM_NOT_RUNNING', 'VDS_RUN_IN_NO_KVM_MODE') : null),
  },
  {
    name: 'host.check.emulated-machine',
    doc: 'The host supports the cluster’s emulated machine; each of them where it is a pair.',
    needs: 'emulated machine of the cluster',
    clusterKnows: (cluster) => cluster.emulatedMachine !== null,
    known: (c) => (c.cluster?.emulatedMachine ?? null) !== null,
    broken: (c) => {
      const wanted = (c.cluster?.emulatedMachine ?? '').split(/[;,]/).filter((machine) => machine !== '');
      const supported = c.report.emulatedMachines ?? [];
      if (wanted.every((machine) => supported.includes(machine))) return null;
      return broken('EMULATED_MACHINES_INCOMPATIBLE_WITH_CLUSTER', 'EMULATED_MACHINES_INCOMPATIBLE_WITH_CLUSTER', {
        hostSupportedEmulatedMachines: list(supported),
        clusterEmulatedMachines: wanted.join(','),
      });
    },
  },
  {
    name: 'host.check.same-rhel',
    doc: 'Hosts of one cluster run the same major version of RHEL, unless the cluster is being upgraded.',
    needs: null,
    known: always,
    broken: (c) => {
      if (c.cluster?.upgradeMode === true) return null;
      const adding = c.report.dynamic.hostOs ?? null;
      const mine = rhelMajor(adding);
      const others = rhelMajor(c.firstUpHostOs);
      if (mine === null || others === null || mine === others) return null;
      return broken('MIXING_RHEL_VERSIONS_IN_CLUSTER', 'MIXING_RHEL_VERSIONS_IN_CLUSTER', {
        previousRhel: c.firstUpHostOs ?? '',
        addingRhel: adding ?? '',
      });
    },
  },
  {
    name: 'host.check.rng-sources',
    doc: 'The host has the random sources that its cluster asks for, and one of urandom and random.',
    needs: 'random sources of the cluster',
    clusterKnows: (cluster) => cluster.additionalRngSources !== null,
    known: (c) => (c.cluster?.additionalRngSources ?? null) !== null && c.report.rngSources !== null,
    broken: (c) => {
      const wanted = c.cluster?.additionalRngSources ?? [];
      const has = new Set((c.report.rngSources ?? []).map((source) => source.toUpperCase()));
      if ((has.has('URANDOM') || has.has('RANDOM')) && wanted.every((source) => has.has(source.toUpperCase())))
        return null;
      return broken('RNG_SOURCES_INCOMPATIBLE_WITH_CLUSTER', 'RNG_SOURCES_INCOMPATIBLE_WITH_CLUSTER', {
        hostSupportedRngSources: list(c.report.rngSources),
        clusterRequiredRngSources: list(wanted),
      });
    },
  },
  {
    name: 'host.check.cluster-level',
    doc: 'The host supports the compatibility level of its cluster.',
    needs: 'compatibility level of the cluster',
    clusterKnows: (cluster) => cluster.compatibilityVersion !== null,
    known: (c) => (c.cluster?.compatibilityVersion ?? null) !== null && c.report.clusterLevels !== null,
    broken: (c) => {
      const level = c.cluster?.compatibilityVersion ?? '';
      if (c.report.clusterLevels?.includes(level) !== false) return null;
      return broken('CLUSTER_VERSION_INCOMPATIBLE_WITH_CLUSTER', 'VDS_CLUSTER_VERSION_NOT_SUPPORTED', {
        CompatibilityVersion: level,
        VdsSupportedVersions: list(c.report.clusterLevels),
      });
    },
  },
  {
    name: 'host.check.features',
    doc: 'The host has each feature that is enabled in its cluster.',
    needs: 'features of the cluster',
    clusterKnows: (cluster) => cluster.requiredFeatures !== null,
    known: (c) => (c.cluster?.requiredFeatures ?? null) !== null && c.report.additionalFeatures !== null,
    broken: (c) => {
      const missing = (c.cluster?.requiredFeatures ?? []).filter(
        (feature) => c.report.additionalFeatures?.includes(feature) === false,
      );
      return missing.length === 0
        ? null
        : broken('HOST_FEATURES_INCOMPATIBILE_WITH_CLUSTER', 'HOST_FEATURES_INCOMPATIBILE_WITH_CLUSTER', {
            UnSupportedFeature: missing.join(','),
          });
    },
  },
];

/** SELinux is only ever remarked upon (§2.4 row 1). */
export function remarkSelinux(c: CapabilitiesCase, draft: HostDraft): void {
  const mode = c.report.selinuxMode;
  if (mode === 'ENFORCING' || (mode === 'PERMISSIVE' && c.cluster?.gluster !== true)) return;
  draft.event('VDS_NO_SELINUX_ENFORCEMENT', { Mode: mode ?? 'UNKNOWN' });
}

/** The first check that the host breaks, in order; null when it fits its cluster as far as that is known. */
export function firstBroken(c: CapabilitiesCase): { readonly check: CapabilityCheck; readonly broken: Broken } | null {
  for (const check of capabilityChecks) {
    if (!check.known(c)) continue;
    const result = check.broken(c);
    if (result !== null) return { check, broken: result };
  }
  return null;
}
