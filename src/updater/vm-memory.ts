import type { EvidenceStamp, VmReport } from '../model/index.js';
import type { LastReport, VmCase } from '../rules/index.js';

/** What this process remembers of the reports that it has judged; nothing of it outlives it. */
export class VmMemory {
  /** VM → its last judged report. */
  readonly #lastReports = new Map<string, LastReport>();
  readonly #formerOwners = new Map<string, NonNullable<VmCase['formerOwner']>>();
  /** Host → seq of its first complete report (D19). */
  readonly #initializedBy = new Map<string, number>();

  lastReport(vmId: string): VmCase['lastReport'] {
    return this.#lastReports.get(vmId);
  }

  formerOwner(vmId: string): VmCase['formerOwner'] {
    return this.#formerOwners.get(vmId);
  }

  /** Whether the host has had a complete report before this one. */
  isInitialized({ host, seq }: EvidenceStamp): boolean {
    const by = this.#initializedBy.get(host);
    return by !== undefined && by < seq;
  }

  noteComplete({ host, seq }: EvidenceStamp): void {
    if (!this.#initializedBy.has(host)) this.#initializedBy.set(host, seq);
  }

  noteJudged(vmId: string, { host, requestedAt }: EvidenceStamp, { timestamp }: VmReport): void {
    const last = this.#lastReports.get(vmId);
    const known = last?.host === host ? last.timestamp : -1;
    this.#lastReports.set(vmId, { host, timestamp: timestamp ?? known, askedAt: requestedAt });
  }

  /** null: there is none any more. undefined: nothing is said of it. */
  noteFormerOwner(
    vmId: string,
    owner: Omit<NonNullable<VmCase['formerOwner']>, 'since'> | null | undefined,
    now: number,
  ): void {
    if (owner === null) this.#formerOwners.delete(vmId);
    else if (owner !== undefined) this.#formerOwners.set(vmId, { ...owner, since: now });
  }

  /** A complete report of the host is here: VMs that it has given up at last are nobody's second copy. */
  settleOwners(host: string, has: (vmId: string) => boolean): void {
    for (const [vmId, owner] of this.#formerOwners) {
      if (owner.host === host && !has(vmId)) this.#formerOwners.delete(vmId);
    }
  }

  /** The agent's clock may have started anew (§4.3). */
  forgetTimes(host: string): void {
    for (const [vmId, last] of this.#lastReports) if (last.host === host) this.#lastReports.delete(vmId);
  }

  forgetHost(host: string): void {
    this.#initializedBy.delete(host);
    this.forgetTimes(host);
    for (const [vmId, owner] of this.#formerOwners) if (owner.host === host) this.#formerOwners.delete(vmId);
  }

  forgetVm(vmId: string): void {
    this.#lastReports.delete(vmId);
    this.#formerOwners.delete(vmId);
  }
}
