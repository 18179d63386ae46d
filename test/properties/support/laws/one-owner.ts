import type { ChangeSet, Evidence } from '../../../../src/events/index.js';
import { HOSTS } from '../history.js';
import type { Law, World } from '../world.js';

/** Several hosts list the VM, not as Down, in their last complete reports. */
interface Contest {
  /** Hosts with which it began, and each that came to it, also a second time. */
  claims: number;
  /** Complete reports of each of them since it began. */
  readonly reports: Map<string, number>;
  alerts: number;
  /** Somebody was at work on the VM, or its owner was silent: then nobody can be said to claim it. */
  readonly since: number;
}

/** Enough for any host to be heard after another one's report. */
const ENOUGH_REPORTS = 3;

/**
 * Law 1. A VM stands in the index of one host, the one that its row names. Where two hosts go on reporting a VM as running,
 * there is one VM_RUNNING_ON_TWO_HOSTS for it, neither none nor two; where they do not, there is none (D11).
 */
export class OneOwner implements Law {
  readonly name = '1 (never two owners without the alert)';
  /** VM → hosts that list it in their last complete report, and as what. */
  readonly #listed = new Map<string, Map<string, string>>();
  readonly #contests = new Map<string, Contest>();
  /** When the last contest about the VM ended: its reports may still be in the queue at that instant. */
  readonly #endedAt = new Map<string, number>();

  starting(): void {
    this.#listed.clear();
    this.#contests.clear();
    this.#endedAt.clear();
  }

  evidence(world: World, evidence: Evidence): void {
    if (evidence.name !== 'VmStatsReceived' || !evidence.stamp.complete) return;
    const { host, report } = evidence;
    for (const id of new Set([...this.#listed.keys(), ...report.ids()])) {
      const by = this.#listed.get(id) ?? new Map<string, string>();
      this.#listed.set(id, by);
      const status = report.get(id)?.status;
      const isNew = !by.has(host);
      if (status === undefined || status === 'Down') by.delete(host);
      else by.set(host, status);
      this.#follow(world, id, by, { host, isNew });
    }
  }

  committed(world: World, { rows, records }: ChangeSet): void {
    for (const write of rows) {
      if (!('deleted' in write)) continue;
      const id = String(write.deleted[0]);
      if (write.kind === 'vm_static') this.#end(world, id);
      if (write.kind === 'vds_static') this.#leave(world, id);
    }
    for (const record of records) {
      // It runs nowhere: with whoever takes it in again all begins anew.
      if (record.kind === 'change' && record.changes.some(({ path, to }) => path === 'runOnVds' && to === null)) {
        this.#end(world, record.entityId);
      }
      if (record.kind !== 'event' || record.name !== 'VM_RUNNING_ON_TWO_HOSTS') continue;
      const id = record.vmId ?? '';
      const contest = this.#contests.get(id);
      if (contest !== undefined) contest.alerts += 1;
      else if (this.#endedAt.get(id) !== world.now) {
        world.break(this, `${id} is not listed by two hosts, but: ${record.message}`);
      }
    }
  }

  looked(world: World): void {
    const { sets } = world.process;
    for (const host of HOSTS) {
      for (const id of sets.vms.byHost(host)) {
        const owner = sets.vms.get(id)?.dynamic.runOnVds;
        if (owner !== host) world.break(this, `${id} is in the index of ${host}, and runs on ${owner}`);
      }
    }
    for (const id of sets.vms.ids()) {
      const owner = sets.vms.get(id)?.dynamic.runOnVds ?? null;
      if (owner !== null && !sets.vms.byHost(owner).has(id)) world.break(this, `${id} is not in the index of ${owner}`);
    }
    // Of a third host that claims it there is a second alert: one for each that was adopted from.
    for (const [id, { alerts, claims }] of this.#contests) {
      if (alerts >= claims) world.break(this, `${alerts} alerts that ${id} runs on two hosts`);
    }
  }

  async settled(world: World): Promise<void> {
    // The rules learn of a contest from reports that are complete and judged: one more round for each host.
    await world.pass(Math.max(0, 50 - world.settledSeconds));
    for (const [id, { alerts, reports }] of this.#contests) {
      const claims = [...(this.#listed.get(id) ?? [])].filter(
        ([host, status]) => status === 'Up' && (reports.get(host) ?? 0) >= ENOUGH_REPORTS,
      );
      const known = world.process.sets.vms.get(id) !== undefined;
      const hosts = claims.map(([host]) => host);
      if (known && claims.length > 1 && alerts === 0) {
        world.break(this, `${id} is Up on ${hosts.join(' and ')}, and nobody was alerted`);
      }
    }
  }

  /** A host is removed: it claims nothing any more. */
  #leave(world: World, host: string): void {
    for (const [id, by] of this.#listed) if (by.delete(host) && by.size < 2) this.#end(world, id);
  }

  /** They agree, or the VM was removed: taken in again it is another one, and its contest a new one. */
  #end(world: World, id: string): void {
    if (this.#contests.delete(id)) this.#endedAt.set(id, world.now);
  }

  #follow(world: World, id: string, by: ReadonlyMap<string, string>, said: { host: string; isNew: boolean }): void {
    const { host, isNew } = said;
    const contest = this.#contests.get(id);
    if (by.size < 2) {
      this.#end(world, id);
    } else if (contest === undefined) {
      this.#contests.set(id, { claims: by.size, reports: new Map(), alerts: 0, since: world.now });
    } else if (by.has(host)) {
      if (isNew) contest.claims += 1;
      contest.reports.set(host, (contest.reports.get(host) ?? 0) + 1);
    }
  }
}
