import type { EvidenceStamp, VmReport } from '../model/index.js';
import { endedByMigrating, type LastReport, type VmCase, type VmVerdict } from '../rules/index.js';

/** What this process remembers of the reports that it has judged; nothing of it outlives it. */
export class VmMemory {
  /** VM → its last judged report. */
  readonly #lastReports = new Map<string, LastReport>();
  /** VM → hosts that lost it to another one's report and have not given it up since, since when, and whether that was told (D11). */
  readonly #formerOwners = new Map<string, Map<string, NonNullable<VmCase['formerOwner']>>>();
  /** VM → host that says it has migrated away. */
  readonly #left = new Map<string, string>();
  /** Host → seq of its first complete report (D19). */
  readonly #initializedBy = new Map<string, number>();

  lastReport(vmId: string): VmCase['lastReport'] {
    return this.#lastReports.get(vmId);
  }

  /** Whether this host is one that lost the VM. */
  formerOwner(vmId: string, host: string): VmCase['formerOwner'] {
    return this.#formerOwners.get(vmId)?.get(host);
  }

  /** Whether the VM's host says that it has migrated away. */
  hasLeft(vmId: string, host: string | null): boolean {
    return host !== null && this.#left.get(vmId) === host;
  }

  /** It is reported as expected by the host that it is stored on. */
  noteThere(vmId: string): void {
    this.#left.delete(vmId);
  }

  /** Whether the host has had a complete report before this one. */
  isInitialized({ host, seq }: EvidenceStamp): boolean {
    const by = this.#initializedBy.get(host);
    return by !== undefined && by < seq;
  }

  noteComplete({ host, seq }: EvidenceStamp): void {
    if (!this.#initializedBy.has(host)) this.#initializedBy.set(host, seq);
  }

  noteJudged(vmId: string, { host, requestedAt }: EvidenceStamp, report: VmReport): void {
    const { timestamp } = report;
    if (endedByMigrating(report)) this.#left.set(vmId, host);
    else if (this.#left.get(vmId) === host) this.#left.delete(vmId);
    // Its copy has ended: one that it runs after that is another one, to be told of again.
    if (report.status === 'Down') this.#settleOwner(vmId, host);
    const last = this.#lastReports.get(vmId);
    const known = last?.host === host ? last.timestamp : -1;
    this.#lastReports.set(vmId, { host, timestamp: timestamp ?? known, askedAt: requestedAt });
  }

  /**
   * One more of them, by a report of the host `by`; a host other than the owner itself has taken the VM over. null: there
   * is none any more. undefined: nothing is said of it.
   */
  noteFormerOwner(vmId: string, owner: VmVerdict['draft']['formerOwner'], by: string, now: number): void {
    if (owner === null) this.#formerOwners.delete(vmId);
    if (owner === null || owner === undefined) return;
    const owners = this.#formerOwners.get(vmId) ?? new Map<string, NonNullable<VmCase['formerOwner']>>();
    const { host, alerted, gaveUp = false } = owner;
    // Where the owner gave it up one host alone had it: who claims it beside that one makes two hosts again, and is told.
    if (gaveUp && owners.size < 2)
      for (const other of owners.values()) owners.set(other.host, { ...other, alerted: false });
    if (host !== by) owners.delete(by);
    this.#formerOwners.set(vmId, owners.set(host, { host, alerted, since: now }));
  }

  /** A complete report of the host is here: VMs that it has given up at last are nobody's second copy. */
  settleOwners(host: string, has: (vmId: string) => boolean): void {
    for (const vmId of this.#formerOwners.keys()) if (!has(vmId)) this.#settleOwner(vmId, host);
  }

  #settleOwner(vmId: string, host: string): void {
    const owners = this.#formerOwners.get(vmId);
    if (owners?.delete(host) && owners.size === 0) this.#formerOwners.delete(vmId);
  }

  /** The agent's clock may have started anew (§4.3). */
  forgetTimes(host: string): void {
    for (const [vmId, last] of this.#lastReports) if (last.host === host) this.#lastReports.delete(vmId);
  }

  forgetHost(host: string): void {
    this.#initializedBy.delete(host);
    for (const [vmId, left] of this.#left) if (left === host) this.#left.delete(vmId);
    this.forgetTimes(host);
    this.settleOwners(host, () => false);
  }

  forgetVm(vmId: string): void {
    this.#lastReports.delete(vmId);
    this.#formerOwners.delete(vmId);
    this.#left.delete(vmId);
  }
}
