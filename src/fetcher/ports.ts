import type { VurtiError } from '../kernel/index.js';
import type {
  AgentMethod,
  AgentPush,
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

/** What a connection is, as far as it is known when it is made. */
export interface AgentSession {
  /** End of validity of the agent's certificate, ms since the epoch; null without TLS. */
  readonly agentCertificateExpiresAt: number | null;
  /** The same of our own client certificate. */
  readonly clientCertificateExpiresAt: number | null;
}

/**
 * Contract: `connected`, then any number of `pushed`, then `lost`, and from the start again; nothing after the
 * subscription is closed. `connected` is said when the agent has taken our subscription to its events: a poll that begins
 * after it misses nothing that is not also pushed. Pushes come in the order of the connection, and are never kept back for
 * a listener: one that is slow is the listener's affair. A listener does not throw.
 */
export interface PushListener {
  connected(session: AgentSession): void;
  pushed(push: AgentPush): void;
  /** What was pushed from now on until the next `connected` is lost. */
  lost(error: VurtiError): void;
}

export interface PushSubscription {
  /** The listener hears nothing more. The connection stays as long as there are calls, else it may be closed. */
  close(): void;
}

/** Agents that tell by themselves what happens. */
export interface PushFetcher {
  /**
   * Keeps the host's connection, the one that calls use too, and makes it again with growing, jittered waits when it is
   * lost. null: the protocol of this host knows no pushes. One listener per host.
   */
  listen(host: HostEndpoint, listener: PushListener): PushSubscription | null;
}

/** A fetcher keeps a connection per host at most, made at the first call or subscription. */
export interface Fetcher extends VdsFetcher, VmFetcher, PushFetcher, AgentCaller {
  /**
   * The host is gone or its address changed: its connection is closed and forgotten. Calls in flight reject with
   * AGENT_ABORTED. A listener whose connection was up is told `lost`, once and with the same reason; then it is forgotten:
   * whoever wants pushes of the host again, at its new address, listens again.
   */
  release(hostId: string): void;
  /** Closes all connections; calls in flight reject with AGENT_ABORTED. */
  close(): Promise<void>;
}
