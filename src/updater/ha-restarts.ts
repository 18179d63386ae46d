import type { Cause } from '../events/index.js';
import type { Clock, Scheduler, Timer } from '../kernel/index.js';
import type { MonitorSettings } from '../model/index.js';
import type { HostSets } from '../repository/index.js';
import { needsRestart, newRestart, type Restart, type RestartRound, restartRound } from '../rules/index.js';
import type { CommandBook } from './command-book.js';
import { Outbox, type OutboxPorts } from './outbox.js';
import type { RecordMaker } from './record-maker.js';

export interface HaRestartsOptions {
  readonly sets: HostSets;
  readonly commands: CommandBook;
  readonly records: RecordMaker;
  readonly ports: OutboxPorts;
  readonly settings: MonitorSettings['haRestart'];
  /** Whether every host was heard, or had its chance: before, a VM that is down by the database may in truth run. */
  readonly ready: () => boolean;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

const NOT_READY_MS = 1000;

/**
 * The queue of highly available VMs that have failed: it advises to start them (intent `autoRun`, one key per try), in
 * the order of their priority, until they run. One timer while anything waits, none else. What is in the queue is not
 * stored: at service start every VM that belongs there is put in again.
 */
export class HaRestarts {
  readonly #o: HaRestartsOptions;
  #queue: readonly Restart[] = [];
  #timer: Timer | undefined;

  constructor(options: HaRestartsOptions) {
    this.#o = options;
  }

  /** VMs that failed and were not started again when the last process ended. */
  queueAll(): void {
    for (const vmId of this.#o.sets.vms.byStatus('Down')) {
      const vm = this.#o.sets.vms.get(vmId);
      if (vm !== undefined && needsRestart(vm)) this.queue(vmId);
    }
  }

  /** The VM has failed. If it was being started, that was the end of this try. */
  queue(vmId: string): void {
    const known = this.#queue.find((restart) => restart.vmId === vmId);
    if (known === undefined) this.#queue = [...this.#queue, newRestart(vmId, this.#o.clock.now())];
    else this.tryFailed(vmId);
    // Not at once: VMs that fail together are ordered by their priority.
    this.#arm(this.#o.clock.now());
  }

  /** The host application could not start the VM. */
  tryFailed(vmId: string): void {
    this.#queue = this.#queue.map((restart) =>
      restart.vmId === vmId && restart.triedAt !== null ? { ...restart, toldFailed: true } : restart,
    );
    this.#arm(this.#o.clock.now());
  }

  get queued(): readonly string[] {
    return this.#queue.map((restart) => restart.vmId);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#queue = [];
  }

  /** Looks the queue through, now. */
  round(): RestartRound {
    const { sets, commands, settings, clock } = this.#o;
    const round = restartRound(this.#queue, {
      now: clock.now(),
      vm: (id) => sets.vms.get(id),
      busy: (id) => {
        const { busy, asyncRunning } = commands.of(id);
        return busy || asyncRunning;
      },
      settings,
    });
    this.#queue = round.queue;
    this.#tell(round);
    if (round.nextAt === null) {
      this.#timer?.cancel();
      this.#timer = undefined;
    } else this.#arm(round.nextAt);
    return round;
  }

  #tell({ start, failed }: RestartRound): void {
    const { records, ports, clock } = this.#o;
    const now = clock.now();
    const causeOf = (rule: string): Cause => ({ rule, source: { by: 'timer', at: now } });
    for (const { vm, rule } of failed) {
      const outbox = new Outbox(ports);
      const draft = { name: 'HA_VM_RESTART_FAILED', params: {}, vmId: vm.id } as const;
      outbox.record(records.event({ host: undefined, vm }, draft, causeOf(rule), now));
      outbox.send();
    }
    for (const { vm, attempt, rule } of start) {
      const { exitStatus, exitReason, exitMessage, statusSince } = vm.dynamic;
      const downSeconds = Math.trunc((now - (statusSince ?? 0)) / 1000);
      const outbox = new Outbox(ports);
      const draft = {
        intent: 'autoRun',
        vmId: vm.id,
        // Another try has another key, also when a restart of the service makes it the first one again.
        round: downSeconds,
        evidence: { attempt, priority: vm.static.priority, exitStatus, exitReason, exitMessage },
      } as const;
      outbox.record(records.intent({ host: undefined, vm }, draft, causeOf(rule), now));
      outbox.send();
    }
  }

  /** `at` is wall-clock time; an earlier round that is due already stays. */
  #arm(at: number): void {
    this.#timer?.cancel();
    const { clock, scheduler } = this.#o;
    const run = (): void => {
      if (this.#o.ready()) this.round();
      else this.#arm(clock.now() + NOT_READY_MS);
    };
    this.#timer = scheduler.after(Math.max(0, at - clock.now()), run, 'haRestarts');
  }
}
