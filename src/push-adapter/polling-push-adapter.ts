import type { Subscription } from 'rxjs';
import type { AgentRequest, Change, Streams } from '../events/index.js';
import type { Fetcher } from '../fetcher/index.js';
import { type Clock, minutes, type Random, type Scheduler, type Telemetry, VurtiError } from '../kernel/index.js';
import {
  type EvidenceStamp,
  type HostEndpoint,
  type HostSettings,
  notMonitored,
  sameValue,
  upOrLeaving,
  type VdsReader,
  type VdsStatus,
  type VmReader,
} from '../model/index.js';
import { type PlannedCall, type TickInput, tickPlan } from '../rules/index.js';
import type { CallRecord } from './history.js';
import { type CycleCore, HostCycle } from './host-cycle.js';
import { Lateness } from './lateness.js';
import { busierMultiple } from './pace.js';
import { Planner, type Tick } from './planner.js';
import { noFollower, type PollFollower } from './poll-follower.js';
import { PolledHost } from './polled-host.js';
import { Slots } from './slots.js';
import { atFullPace, later, passedStatistics, tickInput } from './tick-input.js';

export interface PollingPushAdapterOptions {
  readonly fetcher: Fetcher;
  readonly vds: VdsReader;
  readonly vms: VmReader;
  readonly streams: Streams;
  /** Where the host is now; undefined: it cannot be asked. */
  readonly endpointOf: (hostId: string) => HostEndpoint | undefined;
  readonly settingsOf: (hostId: string) => HostSettings;
  /** Evidence of the host still waits to be applied: no tick adds to it. */
  readonly isSettling: (hostId: string) => boolean;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Requests in flight over all hosts. */
  readonly concurrency: number;
  /** Default: nobody pushes. */
  readonly follower?: PollFollower;
}

/** Figures of `MonitorStatus.polls`. */
export interface PollStats {
  /** Requests in flight. */
  readonly inFlight: number;
  /** Cycles that have ended. */
  readonly total: number;
  /** Those of them in which no call succeeded. */
  readonly failed: number;
  /** Ticks that found their host busy. */
  readonly skipped: number;
  /** Of the last 5 minutes, hosts in contact only. null: none was due. */
  readonly latenessP99Ms: number | null;
  /** Hosts that the planner holds. */
  readonly hosts: number;
}

const LATENESS_WINDOW_MS = minutes(5);
/** After a busy answer an agent is asked less often for so long. */
const BUSY_MS = minutes(5);

/**
 * Asks the agents and publishes what they answer (design.md, principles 1, 5–8).
 *
 * A host is *idle*, or one cycle of it is in flight. A tick that finds a cycle in flight, or evidence that is not digested,
 * is skipped; a poke or a request is served in the running cycle or right after it. What a tick asks is the tick plan's
 * matter, what the calls of one cycle come to HostCycle's, when a host is due the Planner's.
 */
export class PollingPushAdapter {
  readonly #options: PollingPushAdapterOptions;
  readonly #core: CycleCore;
  readonly #slots: Slots;
  readonly #follower: PollFollower;
  readonly #planner: Planner;
  readonly #hosts = new Map<string, PolledHost>();
  /** Cycles under way, those of hosts that were removed included. */
  #running = 0;
  readonly #lateness = new Lateness(LATENESS_WINDOW_MS);
  #subscription: Subscription | null = null;
  #state: 'new' | 'running' | 'stopped' = 'new';
  readonly #onIdle: (() => void)[] = [];
  #total = 0;
  #failed = 0;
  #skipped = 0;

  constructor(options: PollingPushAdapterOptions) {
    const { fetcher, vms, streams, clock, scheduler, telemetry } = options;
    this.#options = options;
    this.#slots = new Slots(options.concurrency);
    const follower = options.follower ?? noFollower;
    this.#follower = follower;
    this.#core = {
      fetcher,
      vms,
      evidence: streams.evidence,
      clock,
      scheduler,
      telemetry,
      slots: this.#slots,
      follower,
    };
    this.#planner = new Planner({ clock, scheduler, telemetry, onTick: (tick) => this.#onTick(tick) });
  }

  /** Begins with the hosts that the reader has now; others come and go by `changes$`. */
  start(): void {
    if (this.#state !== 'new') throw new VurtiError('BAD_ARGUMENT', 'A push-adapter is started once');
    this.#state = 'running';
    const { streams, vds } = this.#options;
    this.#subscription = streams.changes.stream$.subscribe((change) => this.#onChange(change));
    this.#subscription.add(streams.requests.stream$.subscribe((request) => this.#onRequest(request)));
    for (const id of vds.ids()) this.#add(id);
  }

  /** Gives up the calls in flight. Resolves when nothing runs any more; the fetcher is its owner's to close. */
  stop(): Promise<void> {
    this.#state = 'stopped';
    this.#subscription?.unsubscribe();
    this.#planner.stop();
    // Those of hosts that were removed are being aborted already.
    for (const { cycle } of [...this.#hosts.values()]) {
      cycle?.abort(new VurtiError('AGENT_ABORTED', 'The monitor stops'));
    }
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  /** Asks the host now, as a statistics tick would; several pokes while one waits are one. */
  poke(hostId: string): void {
    const host = this.#hosts.get(hostId);
    if (host === undefined) return;
    host.poked = true;
    this.#runWaiting(host);
  }

  /** When the host is asked next by plan, ms since the epoch; null: it is not. */
  nextPollAt(hostId: string): number | null {
    const host = this.#hosts.get(hostId);
    const status = this.#options.vds.get(hostId)?.dynamic.status;
    const tick = this.#planner.next(hostId);
    if (host === undefined || status === undefined || tick === undefined || notMonitored.has(status)) return null;
    const { poll } = this.#options.settingsOf(hostId);
    const stepMs = (poll.intervalSeconds * 1000) / poll.ticksPerInterval;
    const input = this.#inputOf(host, status, tick.number, true);
    let ahead = 0;
    const furthest = poll.ticksPerInterval * (input.multiple + 1);
    while (ahead < furthest && !host.owesStatistics && tickPlan(later(input, ahead)).calls.length === 0) ahead += 1;
    const { clock } = this.#options;
    return Math.round(clock.now() + tick.dueMs + ahead * stepMs - clock.monotonic());
  }

  /** What busy answers had raised the host's multiple to when its last VM report came. */
  busyMultipleOf(hostId: string): number {
    return this.#hosts.get(hostId)?.busyAtReport ?? 1;
  }

  stampPush(hostId: string, at: number, agentTime: number | null): EvidenceStamp | undefined {
    return this.#hosts.get(hostId)?.stampPush(at, agentTime);
  }

  beginSession(hostId: string): void {
    this.#hosts.get(hostId)?.beginSession();
  }

  /** The last calls to the host, oldest first. */
  history(hostId: string): readonly CallRecord[] {
    return this.#hosts.get(hostId)?.history.list() ?? [];
  }

  /** Calls that wait for a slot (poll.concurrency). */
  get callsWaiting(): number {
    return this.#slots.waiting;
  }

  stats(): PollStats {
    return {
      inFlight: this.#slots.inFlight,
      total: this.#total,
      failed: this.#failed,
      skipped: this.#skipped,
      latenessP99Ms: this.#lateness.p99(this.#options.clock.monotonic()),
      hosts: this.#planner.size,
    };
  }

  #onChange(change: Change): void {
    if (change.name === 'VdsAdded') this.#add(change.host.id);
    else if (change.name === 'VdsRemoved') this.#remove(change.host.id);
  }

  #onRequest(request: AgentRequest): void {
    const host = this.#hosts.get(request.host);
    if (host === undefined) return;
    if (request.method !== 'Host.dumpxmls' && host.cycle?.willAsk(request.method)) return;
    host.requests.add(request);
    if (host.cycle === null) this.#runWaiting(host);
    else host.cycle.proceed();
  }

  #add(id: string): void {
    if (this.#hosts.has(id)) return;
    this.#hosts.set(id, new PolledHost(id, this.#options.clock));
    this.#place(id);
  }

  /** Puts the host on the grid of its settings; true if it was on another one. */
  #place(id: string): boolean {
    const { intervalSeconds, ticksPerInterval } = this.#options.settingsOf(id).poll;
    return this.#planner.add(id, intervalSeconds * 1000, ticksPerInterval);
  }

  #remove(id: string): void {
    const host = this.#hosts.get(id);
    if (host === undefined) return;
    this.#hosts.delete(id);
    this.#planner.remove(id);
    host.cycle?.abort(new VurtiError('AGENT_ABORTED', 'The host was removed'));
    this.#follower.released(id);
    this.#options.fetcher.release(id);
  }

  #onTick(tick: Tick): void {
    const host = this.#hosts.get(tick.key);
    const status = this.#options.vds.get(tick.key)?.dynamic.status;
    if (host === undefined || status === undefined) return;
    // Settings may have changed: the host goes over to its new grid.
    if (this.#place(host.id)) {
      host.triedAt = null;
      return;
    }
    this.#follower.tick(host.id, status, this.#options.endpointOf(host.id));
    const input = this.#inputOf(host, status, tick.number);
    this.#lookForOverdue(host, tick, input.multiple);
    if (passedStatistics(tick, input.ticksPerInterval)) host.owesStatistics = true;
    const inContact = upOrLeaving.has(status);
    const { calls } = tickPlan(inContact && host.owesStatistics ? atFullPace(input) : input);
    if (calls.length === 0 && host.requests.isEmpty) return;
    const busy = host.cycle !== null;
    if (busy || this.#options.isSettling(host.id)) {
      if (calls.length === 0) return;
      this.#skipped += 1;
      this.#options.telemetry.count('vurti_polls_skipped_total', 1, { because: busy ? 'busy' : 'settling' });
      host.owesStatistics = inContact && asksVms(calls);
      return;
    }
    if (!inContact) {
      host.triedAt = tick.number;
      host.chance = this.#options.random.next();
    }
    this.#run(host, status, calls, tick.dueMs);
  }

  #inputOf(host: PolledHost, status: VdsStatus, tick: number, whole = false): TickInput {
    const { clock, vds, settingsOf } = this.#options;
    const { poll } = settingsOf(host.id);
    // Between statistics points it does not matter, and to find it out costs a look at all VMs of the host.
    const matters = whole || (tick - 1) % poll.ticksPerInterval === 0;
    const pushes = matters ? this.#follower.multipleOf(host.id) : 1;
    return tickInput(host, tick, { status, liveness: vds.liveness(host.id), poll, nowMs: clock.monotonic(), pushes });
  }

  /** A dead man's switch for hosts that are polled less often: it counts from the time when a report was due. */
  #lookForOverdue(host: PolledHost, tick: Tick, multiple: number): void {
    if (multiple === 1 || host.reportedDueMs === null) return;
    const intervalMs = this.#options.settingsOf(host.id).poll.intervalSeconds * 1000;
    if (tick.dueMs - host.reportedDueMs <= (multiple + 1) * intervalMs) return;
    this.#follower.overdue(host.id);
    host.owesStatistics = true;
  }

  /** Serves a poke and requests that wait, outside the grid. */
  #runWaiting(host: PolledHost): void {
    if (host.cycle !== null || this.#state !== 'running') return;
    const status = this.#options.vds.get(host.id)?.dynamic.status ?? 'Down';
    const calls = host.poked ? tickPlan(atFullPace(this.#inputOf(host, status, 1))).calls : [];
    host.poked = false;
    this.#run(host, status, calls, null);
  }

  #run(host: PolledHost, status: VdsStatus, calls: readonly PlannedCall[], dueMs: number | null): void {
    const endpoint = this.#options.endpointOf(host.id);
    if (endpoint === undefined || notMonitored.has(status)) host.requests.clear();
    if (endpoint === undefined || (calls.length === 0 && host.requests.isEmpty)) return;
    if (host.endpoint !== null && !sameValue(host.endpoint, endpoint)) {
      this.#follower.released(host.id);
      this.#options.fetcher.release(host.id);
      host.beginSession();
    }
    host.endpoint = endpoint;
    host.runAt = this.#options.clock.monotonic();
    host.dueMs = dueMs ?? host.runAt;
    if (asksVms(calls)) host.owesStatistics = false;
    const inContact = upOrLeaving.has(status) && (this.#options.vds.liveness(host.id)?.attempts ?? 0) === 0;
    const cycle = new HostCycle(this.#core, {
      host,
      endpoint,
      inContact,
      settings: this.#options.settingsOf(host.id),
      asks: calls.map(({ method, purpose }) => ({ method, purpose, vmIds: [] })),
      onBegin: (nowMs) => {
        if (dueMs !== null) this.#noteLateness(nowMs, nowMs - dueMs, inContact);
      },
      onOver: (ended) => this.#onOver(host, ended),
    });
    host.cycle = cycle;
    this.#running += 1;
    cycle.proceed();
  }

  #noteLateness(nowMs: number, lateMs: number, inContact: boolean): void {
    this.#options.telemetry.observe('vurti_poll_lateness_seconds', lateMs / 1000, { contact: String(inContact) });
    // Hosts without contact wait for their own share of the slots on purpose.
    if (inContact) this.#lateness.add(lateMs, nowMs);
  }

  #onOver(host: PolledHost, cycle: HostCycle): void {
    const { tally } = cycle;
    host.cycle = null;
    if (!cycle.aborted) this.#follower.cycleOver(host.id, host.runAt);
    this.#running -= 1;
    if (this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
    if (cycle.aborted) return;
    this.#total += 1;
    if (tally.failed) this.#failed += 1;
    this.#options.telemetry.count('vurti_polls_total', 1, { failed: String(tally.failed) });
    const nowMs = this.#options.clock.monotonic();
    const busy = nowMs < host.busyUntilMs ? host.busy : 1;
    if (tally.busy) {
      host.busy = busierMultiple(busy, this.#options.settingsOf(host.id).poll);
      host.busyUntilMs = nowMs + BUSY_MS;
    }
    if (host.reportedDueMs === host.dueMs) host.busyAtReport = tally.busy ? host.busy : busy;
    // A rule that still needs it asks again when the host is heard; asked now, it could keep us busy with a dead host.
    if (tally.attempt !== null) host.requests.clear();
    if (host.poked) this.#runWaiting(host);
  }
}

const asksVms = (calls: readonly PlannedCall[]): boolean => calls.some((call) => call.method === 'Host.getAllVmStats');
