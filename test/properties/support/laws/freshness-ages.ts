import type { Evidence } from '../../../../src/events/index.js';
import { type Freshness, notMonitored, type Vm } from '../../../../src/model/index.js';
import type { Law, World } from '../world.js';

const rank: Readonly<Record<Freshness, number>> = { unknown: 0, stale: 1, live: 2 };

interface Sighting {
  readonly host: string;
  readonly at: number;
  /** The VM as it was held when the report came. */
  readonly owner: string | null;
}

/**
 * Law 5. A VM is live only while a report that tells of it is at most two intervals old; it gets fresher only by a report,
 * a change of itself or of its host; a VM of a lost host is unknown. And it is live when its owner's last report, not older
 * than that, has it. A VM that nobody runs is reported by nobody: it gets fresher by itself once in a process, when every
 * host was heard or has had its chance, and is final then.
 */
export class FreshnessAges implements Law {
  readonly name = '5 (freshness only ages without reports)';
  readonly #seen = new Map<string, Sighting>();
  readonly #lastReport = new Map<string, ReadonlySet<string>>();
  #before = new Map<string, { fresh: Freshness; vm: Vm; hostStatus: string | undefined }>();
  readonly #heard = new Set<string>();
  /** Hosts that this process has heard, or that have failed it. */
  readonly #tried = new Set<string>();

  starting(): void {
    this.#seen.clear();
    this.#lastReport.clear();
    this.#before.clear();
    this.#heard.clear();
    this.#tried.clear();
  }

  evidence(world: World, evidence: Evidence): void {
    this.#tried.add(evidence.host);
    if (evidence.name !== 'VmStatsReceived') return;
    const { host, report, stamp } = evidence;
    const ids = new Set(report.ids());
    this.#lastReport.set(host, ids);
    for (const id of ids) {
      const owner = world.process.sets.vms.get(id)?.dynamic.runOnVds ?? null;
      this.#seen.set(id, { host, at: stamp.receivedAt, owner });
      this.#heard.add(id);
    }
  }

  looked(world: World): void {
    const { sets, settings } = world.process;
    const { now } = world;
    const freshMs = 2 * settings.poll.intervalSeconds * 1000;
    // An agent that was out of workers is asked less often for a while, and its reports are fresh for as long.
    const paced = world.history.moments.some(({ step }) => step.does === 'fault' && step.kind === 'busy');
    const longestMs = paced ? 2 * settings.poll.maxIntervalSeconds * 1000 : freshMs;
    const next = new Map<string, { fresh: Freshness; vm: Vm; hostStatus: string | undefined }>();
    for (const id of sets.vms.ids()) {
      const vm = sets.vms.get(id);
      if (vm === undefined) continue;
      const fresh = sets.vms.freshness(id, now);
      const owner = vm.dynamic.runOnVds;
      const hostStatus = owner === null ? undefined : sets.hosts.get(owner)?.dynamic.status;
      next.set(id, { fresh, vm, hostStatus });
      const before = this.#before.get(id);
      const same = before?.vm === vm && before.hostStatus === hostStatus && !this.#heard.has(id);
      if (same && rank[fresh] > rank[before.fresh] && (owner !== null || !this.#everyHostWasTried(world))) {
        world.break(this, `nobody reported ${id}, and it went from ${before.fresh} to ${fresh}`);
      }
      if (owner === null) {
        if (same && rank[fresh] < rank[before.fresh]) {
          world.break(this, `nobody runs ${id}, and it went from ${before.fresh} to ${fresh}`);
        }
        continue;
      }
      const seen = this.#seen.get(id);
      const recent = seen !== undefined && now - seen.at <= freshMs;
      if (fresh === 'live' && (seen === undefined || now - seen.at > longestMs)) {
        world.break(
          this,
          `${id} is live, and was last reported ${seen === undefined ? 'never' : `${now - seen.at} ms ago`}`,
        );
      }
      if (fresh !== 'unknown' && hostStatus === 'NonResponsive') world.break(this, `${id} of a lost host is ${fresh}`);
      const owned = recent && seen.host === owner && seen.owner === owner && this.#lastReport.get(owner)?.has(id);
      if (owned === true && fresh !== 'live' && hostStatus !== 'NonResponsive') {
        world.break(this, `${id} is ${fresh}, and ${owner} reported it ${now - seen.at} ms ago`);
      }
    }
    this.#before = next;
    this.#heard.clear();
  }

  #everyHostWasTried({ process }: World): boolean {
    const { hosts } = process.sets;
    return [...hosts.ids()].every(
      (id) => this.#tried.has(id) || notMonitored.has(hosts.get(id)?.dynamic.status ?? 'Up'),
    );
  }
}
