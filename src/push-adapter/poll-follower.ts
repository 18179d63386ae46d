import type { HostEndpoint, VdsStatus, VmStatsReport } from '../model/index.js';
import type { ComparedReports } from './compared-reports.js';

/** Follows the polls of all hosts, to weigh against them what agents push. Times are monotonic ms. */
export interface PollFollower {
  /** A grid point of the host, before it is planned. */
  tick(hostId: string, status: VdsStatus, endpoint: HostEndpoint | undefined): void;
  /** The multiple at which the host is polled; asked for at its statistics points alone. */
  multipleOf(hostId: string): number;
  /** No VM report came since a due time that lies more than the multiple and one interval back. */
  overdue(hostId: string): void;
  /** A VM report is here; nothing of it is compared or published yet. */
  beforeReport(hostId: string, report: VmStatsReport, compared: ComparedReports, requestedAt: number): void;
  /** All evidence of that report is published. */
  afterReport(hostId: string, report: VmStatsReport, requestedAt: number): void;
  /** A cycle that began at this time is over, whatever came of it. */
  cycleOver(hostId: string, begunAt: number): void;
  /** The host is gone, or it is asked at another address: its connection is about to be given up. */
  released(hostId: string): void;
}

/** Nobody pushes. */
export const noFollower: PollFollower = {
  tick: () => undefined,
  multipleOf: () => 1,
  overdue: () => undefined,
  beforeReport: () => undefined,
  afterReport: () => undefined,
  cycleOver: () => undefined,
  released: () => undefined,
};
