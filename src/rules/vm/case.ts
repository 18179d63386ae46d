import type {
  EvidenceStamp,
  ExitReason,
  ExitStatus,
  Unsettled,
  Vds,
  VdsStatus,
  Vm,
  VmReport,
} from '../../model/index.js';

/** What the manager's own doings mean for a VM. */
export interface VmCommands {
  /** A command works on the VM at this moment: its reports are not judged (§4.3). */
  readonly busy: boolean;
  /** Monotonic ms of the last change by a command: older questions lose against it. */
  readonly changedAt: number | null;
  /** A start or migrate command waits for the VM ("async running"). */
  readonly asyncRunning: boolean;
  readonly coldReboot: boolean;
  /** A forced destroy was sent within the last 20 s (power-off window). */
  readonly inPowerOffWindow: boolean;
}

/** Ownership of a VM was moved away from this host by a report of another one (D11). */
export interface FormerOwner {
  readonly host: string;
  readonly alerted: boolean;
  /** Monotonic ms of the move: what was asked before says nothing of what came of it. */
  readonly since: number;
}

/** All that one decision about one VM depends on. */
export interface VmCase {
  readonly now: number;
  readonly mode: 'observer' | 'manager';
  readonly stamp: EvidenceStamp;
  /** The host whose report this is. */
  readonly host: Vds;
  readonly vm: Vm | undefined;
  /** null: not in a complete report. */
  readonly report: VmReport | null;
  /** What the process remembers of the last decision. */
  readonly unsettled: Unsettled | undefined;
  readonly commands: VmCommands;
  /** absence.misses of the host. */
  readonly missesNeeded: number;
  /** Time stamp of the last report judged, and its host; reports of one host do not go back in time. */
  readonly lastReport: LastReport | undefined;
  /** The host that had the VM before another one's report moved it (D11), while that host still reports it. */
  readonly formerOwner: FormerOwner | undefined;
  /** The host that it is stored on says that it ended there, since it migrated away: nobody claims it until it is reported alive. */
  readonly ownerLeftIt: boolean;
  /** Status of another host, undefined when it is not known. */
  readonly hostStatus: (hostId: string) => VdsStatus | undefined;
  /** Whether the manager has given an inventory of VMs: only then an unknown VM is a foreign one (D26). */
  readonly managedInventory: boolean;
  /** The agent's pushes arrive without gaps: only then an absence in observer mode is an ordinary end (D30). */
  readonly pushesHealthy: boolean;
  /** The VM's TPM and NVRAM data are safe, or it has none: it may be destroyed on its host. */
  readonly externalDataKept: boolean;
  /** This host has had a complete report in this process before this one (D19). */
  readonly hostInitialized: boolean;
  readonly data: VmDataContext;
}

/** What taking over a VM's data depends on, beside the report. */
export interface VmDataContext {
  /** guest.nicBlacklist: nics that guests make for themselves. */
  readonly nicBlacklist: readonly RegExp[];
  /** The hosted engine's VM is known by this name; null = there is none. */
  readonly hostedEngineVmName: string | null;
  /** Monotonic ms when this process was told that a block job begins; null = before its time. */
  readonly jobStartedAt: (jobId: string) => number | null;
}

/** The last report of a VM that was judged. */
export interface LastReport {
  readonly host: string;
  /** The agent's own; -1: it gave none. */
  readonly timestamp: number;
  /** Monotonic ms before it was asked for; of a push, when it came. */
  readonly askedAt: number;
}

export interface ExitData {
  readonly exitStatus: ExitStatus;
  readonly exitMessage: string | null;
  readonly exitReason: ExitReason;
}

/** A case in which the VM is stored. */
export type KnownCase = VmCase & { readonly vm: Vm };
/** … and reported. */
export type ReportedCase = KnownCase & { readonly report: VmReport };
export type AbsentCase = KnownCase & { readonly report: null };
export type UnknownVmCase = VmCase & { readonly vm: undefined; readonly report: VmReport };

export function reportedExit(report: VmReport): ExitData {
  return {
    exitStatus: report.dynamic.exitStatus ?? 'Normal',
    exitMessage: report.dynamic.exitMessage ?? null,
    exitReason: report.dynamic.exitReason ?? 'Unknown',
  };
}

/** The agent says that the VM is Down here because it has migrated away. */
export function endedByMigrating(report: VmReport): boolean {
  const { exitStatus, exitReason } = reportedExit(report);
  return report.status === 'Down' && exitStatus === 'Normal' && exitReason === 'MigrationSucceeded';
}
