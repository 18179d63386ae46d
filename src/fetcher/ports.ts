import type {
  AgentMethod,
  DomainReport,
  HostEndpoint,
  VdsCapabilitiesReport,
  VdsHardwareReport,
  VdsStatsReport,
  VmListReport,
  VmStatsReport,
} from '../model/index.js';

/**
 * One question to one agent.
 *
 * Contract of all calls: they reject with a VurtiError AGENT_… and nothing else; they end soon after `signal` aborts, with
 * its reason; they hold no more than the size limit in memory; they never retry. The caller sets deadlines and bounds how
 * many run at once. A slow or hostile agent hurts only its own calls. In observer mode a method outside the allowlist
 * rejects with OBSERVER_MODE before a byte leaves.
 */
export interface CallOptions {
  readonly signal: AbortSignal;
}

/** Any method by its name, as all calls below are made: for actions in manager mode, and to show what an agent really says. */
export interface AgentCaller {
  /** The `result` as the agent sent it; whole numbers beyond ±2^53 come as text. */
  call(host: HostEndpoint, method: AgentMethod, params: AgentParams, options: CallOptions): Promise<unknown>;
}

/** Named parameters; what they are called is the agent's affair (vdsm-protocol.md §4). */
export type AgentParams = Readonly<Record<string, unknown>>;

export interface VdsFetcher {
  getStats(host: HostEndpoint, options: CallOptions): Promise<VdsStatsReport>;
  getCapabilities(host: HostEndpoint, options: CallOptions): Promise<VdsCapabilitiesReport>;
  getHardwareInfo(host: HostEndpoint, options: CallOptions): Promise<VdsHardwareReport>;
}

export interface VmFetcher {
  getAllVmStats(host: HostEndpoint, options: CallOptions): Promise<VmStatsReport>;
  getVmList(host: HostEndpoint, options: CallOptions): Promise<VmListReport>;
  /** libvirt's descriptions by VM id. An unknown id fails the whole call, as the agent does. */
  dumpXmls(
    host: HostEndpoint,
    vmIds: readonly string[],
    options: CallOptions,
  ): Promise<ReadonlyMap<string, DomainReport>>;
}

/** A fetcher keeps a connection per host at most, made at the first call. */
export interface Fetcher extends VdsFetcher, VmFetcher, AgentCaller {
  /** The host is gone or its address changed: its connection is closed and forgotten. */
  release(hostId: string): void;
  /** Closes all connections; calls in flight reject with AGENT_ABORTED. */
  close(): Promise<void>;
}
