import type { VmStatsReport, VmStatus } from '../model/index.js';
import type { VmTurn } from './push-gaps.js';
import { PushTrust } from './push-trust.js';
import type { Arrival } from './subscribing-push-adapter.js';

/** Pushes kept back while the poll after a connection is under way. A poll takes seconds, so many are a flood. */
const MOST_KEPT = 1000;

/**
 * What is known of one host's pushes.
 *
 * Modes:
 *   off         not listened to: not monitored, without an address, or pushes are switched off
 *   polled      its protocol knows no pushes
 *   connecting  listened to; the connection is not made yet, or lost
 *   buffering   connected; pushes wait until a poll that was asked for after that is applied
 *   open        connected; no such poll has come, and none is under way: pushes are applied as they come
 *   live        connected, and whole since a poll
 */
export class HostPushes {
  readonly trust = new PushTrust();
  mode: 'off' | 'polled' | 'connecting' | 'buffering' | 'open' | 'live' = 'off';
  /** Monotonic; a poll asked for later misses nothing that is not pushed. */
  connectedAt = 0;
  /** Has been live before: what the next polls show beyond the pushes was missed. */
  wasLive = false;
  /** A connection was made or lost: this host is known to push. */
  spoke = false;
  /** Wall clock; its pushes are not believed to be whole before. */
  gapUntil = 0;
  /** Changes that were not pushed though the connection stood, since the start, and when the last was missed (wall clock). */
  gaps = 0;
  lastGapAt: number | null = null;
  /** The multiple that the polls after the last report go by. */
  pace = 1;
  /** Turns that a poll showed and no push has announced so far, and since when (monotonic). */
  suspects: VmTurn[] = [];
  suspectedAt = 0;
  #kept: Arrival[] = [];
  /** VM → the last status that was pushed, and when. Of known VMs only, so that it is bounded. */
  readonly #pushed = new Map<string, { readonly status: VmStatus; readonly at: number }>();
  /** The generation of the reports that they were weighed against last; there may be newer ones, or too new ones, of them. */
  #weighedBy: number | null = null;
  #hasUnweighed = false;
  /** Whether all VMs of the host were calm at that revision. */
  calm: { readonly revision: number; readonly calm: boolean } | null = null;

  get isConnected(): boolean {
    return this.mode === 'buffering' || this.mode === 'open' || this.mode === 'live';
  }

  connected(at: number, buffering: boolean): void {
    this.mode = buffering ? 'buffering' : 'open';
    this.connectedAt = at;
    this.spoke = true;
    this.suspects = [];
    this.#kept = [];
    this.trust.interrupted();
  }

  disconnected(): void {
    this.mode = 'connecting';
    this.spoke = true;
    this.suspects = [];
    this.trust.interrupted();
  }

  get kept(): number {
    return this.#kept.length;
  }

  /** False: there is no room. */
  keep(arrival: Arrival): boolean {
    if (this.#kept.length >= MOST_KEPT) return false;
    this.#kept.push(arrival);
    return true;
  }

  /** Takes out what is kept and wanted, in the order in which it came. */
  take(wanted: (arrival: Arrival) => boolean = () => true): Arrival[] {
    const taken = this.#kept.filter(wanted);
    this.#kept = this.#kept.filter((arrival) => !taken.includes(arrival));
    return taken;
  }

  notePushed(vmId: string, status: VmStatus, at: number): void {
    this.#pushed.set(vmId, { status, at });
    this.#hasUnweighed = true;
    this.suspects = this.suspects.filter((turn) => turn.vmId !== vmId || turn.status !== status);
  }

  /** Pushed already; or a push came after the report was asked for, which may then be the older one. */
  wasPushed({ vmId, status }: VmTurn, requestedAt: number): boolean {
    const last = this.#pushed.get(vmId);
    return last !== undefined && (last.status === status || last.at > requestedAt);
  }

  /**
   * What was pushed before a report that says otherwise is over. `generation`: another one where a report of a VM is
   * another object than in the answer before; of those that are not, the pushes were weighed against them then.
   */
  noteReport(report: VmStatsReport, generation: number, requestedAt: number): void {
    if (generation === this.#weighedBy && !this.#hasUnweighed) return;
    this.#weighedBy = generation;
    this.#hasUnweighed = false;
    for (const [vmId, { status, at }] of this.#pushed) {
      if (at > requestedAt) {
        this.#hasUnweighed = true;
        continue;
      }
      const said = report.get(vmId)?.status;
      if (said !== undefined && said !== status) this.#pushed.delete(vmId);
    }
  }

  suspect(turns: readonly VmTurn[], at: number): void {
    if (this.suspects.length === 0) this.suspectedAt = at;
    this.suspects.push(...turns);
  }

  forgetVm(vmId: string): void {
    this.#pushed.delete(vmId);
  }
}

/** Whether a push says something that the report cannot know yet: by the agent's clock, of at least one of its VMs. */
export function isNewer({ push }: Arrival, report: VmStatsReport): boolean {
  if (push.kind !== 'vmStatus') return true;
  return push.vms.some(({ vmId, timestamp }) => {
    const listed = report.get(vmId)?.timestamp ?? null;
    return timestamp === null || listed === null || timestamp >= listed;
  });
}

/** Whether a push tells of ends of VMs that the report does not list any more. */
export function tellsOfEnd({ push }: Arrival, report: VmStatsReport): boolean {
  return push.kind === 'vmStatus' && push.vms.some(({ vmId, status }) => status === 'Down' && !report.has(vmId));
}
