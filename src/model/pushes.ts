import type { ReportProblem, VmReport } from './reports.js';

/** How far a migration is, as its source says every few seconds. */
export interface MigrationProgress {
  readonly vmId: string;
  /** Per cent. */
  readonly progress: number | null;
  readonly postcopy: boolean;
  /** At the end alone. */
  readonly downtimeMs: number | null;
}

interface Push {
  /** The agent's event clock: orders pushes and answers of one host within one boot. null: not given. */
  readonly notifyTime: number | null;
  readonly problems: readonly ReportProblem[];
}

/** One VM_status event: partial reports, usually of one VM. A field that is not in it has not changed. */
export interface VmStatusPush extends Push {
  readonly kind: 'vmStatus';
  readonly vms: readonly VmReport[];
}

export interface VmMigrationPush extends Push {
  readonly kind: 'vmMigration';
  readonly migrations: readonly MigrationProgress[];
}

/** The host's network changed (bond fail-over, new lease): its capabilities are to be read again. */
export interface HostConnectionPush extends Push {
  readonly kind: 'hostConnection';
}

/** A storage job changed its state. */
export interface HostJobPush extends Push {
  readonly kind: 'hostJob';
  readonly jobId: string;
  readonly status: string | null;
}

/** What an agent pushes, decoded (vdsm-protocol.md §5.3). Events of other kinds are not handed on. */
export type AgentPush = VmStatusPush | VmMigrationPush | HostConnectionPush | HostJobPush;
