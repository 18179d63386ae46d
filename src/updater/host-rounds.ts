import type { Clock, Scheduler, Telemetry } from '../kernel/index.js';
import type { MonitorSettings } from '../model/index.js';
import type { HostSets } from '../repository/index.js';
import { isStale } from '../rules/index.js';
import { DueOnce } from './due-once.js';
import type { VdsUpdater } from './vds-updater.js';

export interface HostRoundsOptions {
  readonly sets: HostSets;
  readonly vds: VdsUpdater;
  readonly settings: Pick<MonitorSettings, 'autoRecovery' | 'watchdog'>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/** What is done over all hosts from time to time: automatic recovery (§2.12), and a look for hosts that nobody hears (§2.1). */
export class HostRounds {
  readonly #o: HostRoundsOptions;
  readonly #due: DueOnce;

  constructor(options: HostRoundsOptions) {
    this.#o = options;
    this.#due = new DueOnce(options.scheduler, 'hostRounds', (round) => this.#run(round));
  }

  start(): void {
    const { autoRecovery, watchdog } = this.#o.settings;
    if (autoRecovery.hosts) this.#plan('autoRecovery', autoRecovery.intervalSeconds);
    if (watchdog.intervalSeconds > 0) this.#plan('watchdog', watchdog.intervalSeconds);
  }

  stop(): void {
    this.#due.stop();
  }

  /** Activates hosts that a rule made NonOperational and that, as far as is known, break none any more. */
  recover(): void {
    for (const id of [...this.#o.sets.hosts.byStatus('NonOperational')]) {
      this.#o.vds.command(id, { is: 'autoRecovery' }, 'timer');
    }
  }

  /** Monitored hosts that have not answered for watchdog.thresholdSeconds; none where the watchdog is off. */
  staleHosts(): string[] {
    const { sets, settings, clock } = this.#o;
    if (settings.watchdog.intervalSeconds <= 0) return [];
    const now = clock.now();
    const found: string[] = [];
    for (const id of sets.hosts.ids()) {
      const host = sets.hosts.get(id);
      const liveness = sets.hosts.liveness(id);
      if (host === undefined || liveness === undefined) continue;
      if (isStale(host, liveness, settings.watchdog.thresholdSeconds, now)) found.push(id);
    }
    return found;
  }

  /** On an absolute grid, as a clock on the wall would say it. */
  #plan(round: string, intervalSeconds: number): void {
    const { clock } = this.#o;
    const ms = intervalSeconds * 1000;
    this.#due.set(round, clock.monotonic() + ms - (clock.now() % ms));
  }

  #run(round: string): void {
    const { settings, sets, telemetry } = this.#o;
    if (round === 'autoRecovery') {
      this.#plan(round, settings.autoRecovery.intervalSeconds);
      this.recover();
      return;
    }
    this.#plan(round, settings.watchdog.intervalSeconds);
    const stale = this.staleHosts();
    telemetry.gauge('vurti_stale_hosts', stale.length);
    if (stale.length === 0) return;
    telemetry.log('warn', 'hosts have not answered for a long time', {
      hosts: stale.map((id) => sets.hosts.get(id)?.static.name ?? id).join(', '),
      thresholdSeconds: settings.watchdog.thresholdSeconds,
    });
  }
}
