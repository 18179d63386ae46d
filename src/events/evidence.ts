import type { VurtiError } from '../kernel/index.js';
import type {
  AgentPush,
  DomainReport,
  EvidenceStamp,
  VdsCapabilitiesReport,
  VdsHardwareReport,
  VdsStatsReport,
  VmReport,
  VmStatsReport,
  VmStatus,
} from '../model/index.js';

/**
 * What the push-adapters publish: who said what, and when. Evidence is no verdict: a VmStateChanged says that a report
 * differs from what the repository held when it arrived; the updaters look again when they decide.
 *
 * Order: evidence of one host comes in the order in which it was received. One VM poll gives VmStatsReceived first, then a
 * VmStateChanged per differing VM, then a VmDisappeared per absent one, without other evidence of the host between. One push
 * gives VdsPushed first, then a VmStateChanged per VM that differs or is unsettled.
 */
export type Evidence =
  | VdsStatsReceived
  | VdsCapabilitiesReceived
  | VdsHardwareInfoReceived
  | VdsUnreachable
  | VdsRecovering
  | VdsCallFailed
  | VmStatsReceived
  | VmStatsFailed
  | VmStateChanged
  | VmDisappeared
  | VmDevicesReceived
  | VdsConnected
  | VdsDisconnected
  | VdsPushed
  | VdsPushesMissed;

interface Base {
  readonly host: string;
  readonly stamp: EvidenceStamp;
}

export interface VdsStatsReceived extends Base {
  readonly name: 'VdsStatsReceived';
  readonly report: VdsStatsReport;
}

export interface VdsCapabilitiesReceived extends Base {
  readonly name: 'VdsCapabilitiesReceived';
  readonly report: VdsCapabilitiesReport;
}

export interface VdsHardwareInfoReceived extends Base {
  readonly name: 'VdsHardwareInfoReceived';
  readonly report: VdsHardwareReport;
}

/** One failed attempt (principle 8): a cycle with a transport failure, time-out or 5022 and no successful answer. */
export interface VdsUnreachable extends Base {
  readonly name: 'VdsUnreachable';
  readonly error: VurtiError;
}

/** The agent answered code 99: it lives, but does not know its VMs yet. */
export interface VdsRecovering extends Base {
  readonly name: 'VdsRecovering';
  readonly error: VurtiError;
}

/** The agent answered one of the host's own calls with an error: counters and status stay (principle 8, D7). */
export interface VdsCallFailed extends Base {
  readonly name: 'VdsCallFailed';
  readonly method: string;
  readonly error: VurtiError;
}

/** One per host and poll. */
export interface VmStatsReceived extends Base {
  readonly name: 'VmStatsReceived';
  readonly report: VmStatsReport;
}

/** getAllVmStats failed while the host may be fine: its VMs become stale, no more (D29). */
export interface VmStatsFailed extends Base {
  readonly name: 'VmStatsFailed';
  readonly error: VurtiError;
}

/** The report of this VM differs from the repository: another status, host or agent-owned field, or an unknown VM. */
export interface VmStateChanged extends Base {
  readonly name: 'VmStateChanged';
  readonly vmId: string;
  readonly report: VmReport;
}

/** Not in this complete report, though the repository has it on this host. No more is meant. */
export interface VmDisappeared extends Base {
  readonly name: 'VmDisappeared';
  readonly vmId: string;
}

/** libvirt's descriptions by VM id, as asked for by a request. */
export interface VmDevicesReceived extends Base {
  readonly name: 'VmDevicesReceived';
  readonly domains: ReadonlyMap<string, DomainReport>;
}

/** The agent has taken our subscription to its events: a new session. Its clock may have begun anew (a reboot). */
export interface VdsConnected extends Base {
  readonly name: 'VdsConnected';
  /** Ends of validity, ms since the epoch; null without TLS. */
  readonly agentCertificateExpiresAt: number | null;
  readonly clientCertificateExpiresAt: number | null;
}

/** What the agent pushes from now on until the next VdsConnected is lost. No failed attempt: the next poll decides. */
export interface VdsDisconnected extends Base {
  readonly name: 'VdsDisconnected';
  readonly error: VurtiError;
}

/** Anything that an agent said unasked: a sign of life (D1), and what is in it beside the state of VMs. */
export interface VdsPushed extends Base {
  readonly name: 'VdsPushed';
  readonly push: AgentPush;
}

/** Pushes that should have come did not: a poll shows what they would have said, or there were too many to keep. */
export interface VdsPushesMissed extends Base {
  readonly name: 'VdsPushesMissed';
  readonly because: 'silent' | 'disconnected' | 'overflow';
  /** The VMs whose changes were not announced; empty: it is not known. */
  readonly vms: readonly { readonly vmId: string; readonly status: VmStatus }[];
  /** Until when the host's pushes are not believed to be whole. */
  readonly until: number;
}
