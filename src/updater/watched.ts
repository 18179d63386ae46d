import type { VmHistory } from '../model/index.js';
import type { BalloonState } from '../rules/index.js';

/** What is kept of a VM's figures in memory alone. */
export interface Watched {
  readonly history: VmHistory;
  balloon: BalloonState | undefined;
  /** The report whose figures were taken last: a VM may be looked at twice in one. */
  host: string;
  seq: number;
  /** The VM runs no more, or is gone. */
  dropped: boolean;
}
