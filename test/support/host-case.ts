import { type ErrorCode, VurtiError } from '../../src/kernel/index.js';
import {
  type Cluster,
  type ClusterNetwork,
  clusterFields,
  clusterNetworkFields,
  defaultSettings,
  type InterfaceStatus,
  initialLiveness,
  initialRow,
  type MonitorSettings,
  type Vds,
  type VdsInterface,
  type VdsInterfaceStatistics,
  type VdsLiveness,
  type VdsUsage,
  type Vm,
  vdsInterfaceFields,
  vdsInterfaceStatisticsFields,
  vdsStatisticsFields,
} from '../../src/model/index.js';
import { claimsOf, decideHost, type HostCase, type HostEvidence, type HostVerdict } from '../../src/rules/index.js';
import { stamp } from './entities.js';

/** The moment at which hosts are decided in tests of rules. */
export const NOW = 10_000_000;

export type HostCaseMore = Partial<Omit<HostCase, 'host' | 'vms' | 'claims' | 'general' | 'liveness' | 'networks'>> & {
  readonly general?: Partial<MonitorSettings>;
  readonly liveness?: Partial<VdsLiveness>;
  readonly networks?: readonly ClusterNetwork[];
  readonly vms?: readonly Vm[];
  readonly isMissing?: (vmId: string) => boolean;
};

/** A host in a manager's hands, in its second hour of our watch, about which nothing else is known. */
export function hostCase(host: Vds, more: HostCaseMore = {}): HostCase {
  const { general, liveness, networks, vms, isMissing, ...rest } = more;
  return {
    now: NOW,
    stamp: stamp({ host: host.id, receivedAt: NOW }),
    host,
    usage: undefined,
    settings: defaultSettings,
    startedAt: NOW - 7_200_000,
    cluster: undefined,
    firstUpHostOs: null,
    clusterStatuses: () => [host.dynamic.status],
    incomingVms: () => [],
    claims: () => claimsOf(vms ?? [], isMissing ?? (() => false)),
    imageTransfers: [],
    ...rest,
    general: { ...defaultSettings, mode: 'manager', ...general },
    liveness: { ...initialLiveness(NOW), heardAt: NOW, capabilitiesRead: true, ...liveness },
    networks: new Map((networks ?? []).map((network) => [network.name, network])),
    vms: () => vms ?? [],
  };
}

export interface HostSummary {
  readonly rule: string;
  readonly effects: readonly string[];
  readonly status: string;
  readonly events: readonly string[];
  readonly intents: readonly string[];
  readonly signals: readonly string[];
  readonly requests: readonly string[];
}

export function summaryOf(verdict: HostVerdict): HostSummary {
  const { draft } = verdict;
  return {
    rule: verdict.rule,
    effects: verdict.effects,
    status: draft.dynamic.status,
    events: draft.events.map((event) => event.name),
    intents: draft.intents.map((intent) =>
      intent.vmId === undefined ? intent.intent : `${intent.intent} ${intent.vmId}`,
    ),
    signals: draft.signals,
    requests: draft.requests.map((request) => request.method),
  };
}

export const decide = (c: HostCase, evidence: HostEvidence): HostSummary => summaryOf(decideHost(c, evidence));

export const paramsOf = (verdict: HostVerdict, name: string) =>
  verdict.draft.events.find((event) => event.name === name)?.params;

export const failure = (code: ErrorCode = 'AGENT_UNREACHABLE'): HostEvidence => ({
  kind: 'failure',
  error: new VurtiError(code, 'connection refused'),
});

export const network = (name: string, more: Partial<ClusterNetwork> = {}): ClusterNetwork => ({
  ...initialRow(clusterNetworkFields),
  clusterId: 'c1',
  name,
  required: true,
  ...more,
});

export const cluster = (more: Partial<Cluster> = {}): Cluster => ({
  ...initialRow(clusterFields),
  id: 'c1',
  name: 'C1',
  ...more,
});

export const nic = (name: string, more: Partial<VdsInterface> = {}): VdsInterface => ({
  ...initialRow(vdsInterfaceFields),
  hostId: 'h1',
  name,
  ...more,
});

/** Usage in which nics have these states. */
export function usageOf(
  states: Readonly<Record<string, InterfaceStatus>>,
  statistics: Partial<VdsUsage['statistics']> = {},
): VdsUsage {
  return {
    statistics: { ...initialRow(vdsStatisticsFields), id: 'h1', ...statistics },
    interfaces: Object.entries(states).map(
      ([name, status]): VdsInterfaceStatistics => ({
        ...initialRow(vdsInterfaceStatisticsFields),
        hostId: 'h1',
        name,
        status,
      }),
    ),
    numaNodes: [],
  };
}
