import { type Clock, messageOf, minutes, type Scheduler, type Telemetry, type Timer } from '../../kernel/index.js';
import type { HostsApi, HostView, MonitorStatus } from '../api.js';
import { arrange, type HeldSource, type HostSource } from './arrange.js';

/** A host that its source does not list any more is asked for so long yet. */
const LEAVING_MS = minutes(10);

/** What became of the hosts, by name. */
export interface HostChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  /** Not listed any more; removed ten minutes later unless they come back. */
  readonly leaving: readonly string[];
  readonly returned: readonly string[];
  /** At once: the same name has got another id. */
  readonly removed: readonly string[];
  /** Not taken: another host bears the name. */
  readonly refused: readonly { readonly host: string; readonly because: string }[];
  readonly held: readonly HeldSource[];
}

export interface InventorySourcesOptions {
  readonly hosts: Pick<HostsApi, 'list' | 'put' | 'remove' | 'leave'>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

type Trouble = MonitorStatus['attention'][number];

interface Leaving {
  readonly name: string;
  readonly source: string;
  readonly removeAt: number;
}

/**
 * Keeps the hosts as their sources list them: the settings, and each entry of inventory.files. Hosts of the API are not
 * touched. A source that lists nothing, or that has lost more than half of its hosts, is more likely broken than right:
 * nobody leaves because of it, and it says so.
 */
export class InventorySources {
  readonly #o: InventorySourcesOptions;
  readonly #leaving = new Map<string, Leaving>();
  readonly #failed = new Map<string, { readonly since: number; readonly message: string }>();
  #held: readonly (HeldSource & { readonly since: number })[] = [];
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: InventorySourcesOptions) {
    this.#o = options;
  }

  /** `acceptRemovals`: somebody has said that the sources are right. */
  take(sources: readonly HostSource[], options: { readonly acceptRemovals?: boolean } = {}): HostChanges {
    const { hosts, telemetry } = this.#o;
    const before = new Map(hosts.list().map((host) => [host.id, host]));
    const plan = arrange([...before.values()], sources, {
      leaving: new Set(this.#leaving.keys()),
      acceptRemovals: options.acceptRemovals ?? false,
    });
    for (const host of plan.replaced) this.#remove(host, `${host.name} has got another id`);
    const changes = {
      added: [] as string[],
      changed: [] as string[],
      returned: [] as string[],
      refused: [...plan.refused],
    };
    for (const spec of plan.put) {
      const id = spec.id ?? spec.name;
      const was = before.get(id);
      if (this.#leaving.delete(id)) changes.returned.push(spec.name);
      try {
        const host = hosts.put(spec);
        if (was === undefined) changes.added.push(host.name);
        else if (!sameFacts(was, host)) changes.changed.push(host.name);
      } catch (error) {
        changes.refused.push({ host: spec.name, because: messageOf(error) });
      }
    }
    for (const host of plan.leaving) this.#leave(host);
    // Kept after all, by a source that is held now: it does not go before the source is right again.
    for (const host of plan.kept) if (this.#leaving.delete(host.id)) hosts.leave(host.id, null);
    for (const { host, because } of changes.refused) {
      telemetry.log('warn', 'A host of the inventory is not taken', { host, because });
    }
    this.#hold(plan.held);
    this.#arm();
    return {
      ...changes,
      leaving: plan.leaving.map((host) => host.name),
      removed: plan.replaced.map((host) => host.name),
      held: plan.held,
    };
  }

  /** What cannot be read at present, by source; its hosts stay as they were. */
  setFailed(failed: ReadonlyMap<string, string>): void {
    const { clock, telemetry } = this.#o;
    for (const source of this.#failed.keys()) {
      if (failed.has(source)) continue;
      this.#failed.delete(source);
      telemetry.log('info', 'A source of hosts can be read again', { source });
    }
    for (const [source, message] of failed) {
      const known = this.#failed.get(source);
      if (known?.message === message) continue;
      this.#failed.set(source, { since: known?.since ?? clock.now(), message });
      telemetry.log('warn', 'A source of hosts cannot be read; its hosts stay as they were', { source, message });
    }
    telemetry.gauge('vurti_inventory_failed_sources', this.#failed.size);
  }

  /** For the attention list. */
  troubles(): Trouble[] {
    const service = { severity: 'WARNING', kind: 'service', id: 'inventory', name: 'inventory' } as const;
    return [
      ...[...this.#failed].map(([source, { message }]) => ({
        ...service,
        text: `${named(source)} cannot be read, its hosts stay as they were: ${message}`,
      })),
      ...this.#held.map(({ source, missing, known, because }) => ({
        ...service,
        text: `${named(source)} ${because === 'empty' ? 'lists no host' : `has lost ${missing} of ${known} hosts`}: none is removed. If that is right: vurti reload --accept-removals`,
      })),
    ];
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #leave(host: HostView): void {
    if (this.#leaving.has(host.id)) return;
    const removeAt = this.#o.clock.now() + LEAVING_MS;
    this.#leaving.set(host.id, { name: host.name, source: host.source, removeAt });
    this.#o.hosts.leave(host.id, { source: named(host.source), removeAt });
  }

  #remove(host: Pick<HostView, 'id' | 'name'>, because: string): void {
    this.#leaving.delete(host.id);
    this.#o.hosts.remove(host.id, because);
  }

  #hold(held: readonly HeldSource[]): void {
    const { clock, telemetry } = this.#o;
    const known = new Map(this.#held.map((one) => [one.source, one]));
    for (const one of held) {
      if (known.get(one.source)?.missing === one.missing) continue;
      const { source, missing, known: hosts } = one;
      telemetry.log('warn', 'Most hosts are missing from a source of the inventory; none of them is removed', {
        ...{ source, missing, known: hosts },
        remedy: 'vurti reload --accept-removals',
      });
    }
    this.#held = held.map((one) => ({ ...one, since: known.get(one.source)?.since ?? clock.now() }));
    telemetry.gauge(
      'vurti_inventory_held_hosts',
      held.reduce((sum, { missing }) => sum + missing, 0),
    );
  }

  #arm(): void {
    this.#timer?.cancel();
    const { clock, scheduler, telemetry } = this.#o;
    telemetry.gauge('vurti_inventory_leaving_hosts', this.#leaving.size);
    if (this.#stopped || this.#leaving.size === 0) return;
    const first = Math.min(...[...this.#leaving.values()].map(({ removeAt }) => removeAt));
    this.#timer = scheduler.after(Math.max(0, first - clock.now()), () => this.#due(), 'inventory');
  }

  #due(): void {
    const now = this.#o.clock.now();
    const present = new Set(this.#o.hosts.list().map((host) => host.id));
    for (const [id, { name, source, removeAt }] of [...this.#leaving]) {
      if (!present.has(id)) this.#leaving.delete(id);
      else if (removeAt <= now) this.#remove({ id, name }, `no longer listed in ${named(source)}`);
    }
    this.#arm();
  }
}

/** "file:/etc/vurti/hosts.d/*.yaml" as people know it. */
function named(source: string): string {
  return source === 'settings' ? 'inventory.hosts' : source.replace(/^file:/, '');
}

function sameFacts(a: HostView, b: HostView): boolean {
  const facts = ({ name, address, port, protocol, clusterId, source }: HostView): string =>
    JSON.stringify([name, address, port, protocol, clusterId, source]);
  return facts(a) === facts(b);
}
