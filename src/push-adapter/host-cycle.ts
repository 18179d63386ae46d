import type { Channel, Evidence } from '../events/index.js';
import type { Fetcher } from '../fetcher/index.js';
import {
  asVurtiError,
  type Clock,
  type Scheduler,
  type Span,
  type Telemetry,
  type Timer,
  VurtiError,
  withDeadline,
} from '../kernel/index.js';
import type { EvidenceStamp, HostEndpoint, HostSettings, VmReader, VmStatsReport } from '../model/index.js';
import { calls, type Tell } from './calls.js';
import { isHeard, type Outcome, outcomeOf, Tally } from './outcome.js';
import type { PollFollower } from './poll-follower.js';
import type { PolledHost, RunningCycle } from './polled-host.js';
import type { Ask } from './request-queue.js';
import type { Slots, Ticket } from './slots.js';

/** What all cycles share. */
export interface CycleCore {
  readonly fetcher: Fetcher;
  readonly vms: VmReader;
  readonly evidence: Channel<Evidence>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly slots: Slots;
  readonly follower: PollFollower;
}

export interface CycleOptions {
  readonly host: PolledHost;
  readonly endpoint: HostEndpoint;
  readonly settings: HostSettings;
  readonly asks: readonly Ask[];
  /** Without contact the host's calls keep to their own share of the slots. */
  readonly inContact: boolean;
  /** The first call leaves now. */
  readonly onBegin: (nowMs: number) => void;
  /** Everything has ended and all evidence is published; nothing more is heard of this cycle. */
  readonly onOver: (cycle: HostCycle) => void;
}

interface Call {
  readonly ask: Ask;
  readonly ticket: Ticket;
  /** Monotonic; null while it waits for a slot. */
  sentAt: number | null;
  span: Span | undefined;
  report: VmStatsReport | null;
  /** Ends it while it is in flight. */
  stop: ((reason: unknown) => void) | null;
}

/** Requests that one cycle serves; more wait for the next tick, so that no rule can keep a cycle going for ever. */
const MOST_REQUESTS = 8;
/** Node may fire a timer a little before its time. */
const EARLY_MS = 5;

/**
 * The calls of one tick, poke or request of one host, and what they come to.
 *
 * Modes, in this order, any may be left out:
 *   waiting  no call has got a slot yet
 *   silent   asked, nothing heard. It ends after poll.deadlineSeconds whatever the calls' own deadlines (ADR 0005)
 *   heard    somebody is there: all calls may use their whole time
 *   closing  given up or aborted: calls in flight are being ended, nothing new is sent
 *   over
 * Calls are independent: each answer is published when it arrives, and the failure of one does not touch the others.
 */
export class HostCycle implements RunningCycle {
  readonly tally = new Tally();
  readonly #core: CycleCore;
  readonly #options: CycleOptions;
  /** Not handed to the slots yet: the host has as many calls in flight as it may have. */
  readonly #asks: Ask[];
  /** Wait for a slot, or are in flight. */
  readonly #handed = new Set<Call>();
  #mode: 'waiting' | 'silent' | 'heard' | 'closing' | 'over' = 'waiting';
  #aborted = false;
  #requests = 0;
  #begunAt = 0;
  #silence: Timer | null = null;
  #span: Span | undefined;

  constructor(core: CycleCore, options: CycleOptions) {
    this.#core = core;
    this.#options = options;
    this.#asks = [...options.asks];
    // Where not all can be sent together, the quickest goes first: it is what shows whether anybody is there.
    if (this.#asks.length > this.#mostInFlight) this.#asks.sort((a, b) => this.#deadlineMs(a) - this.#deadlineMs(b));
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  willAsk(method: Ask['method']): boolean {
    if (this.#asks.some((ask) => ask.method === method)) return true;
    for (const call of this.#handed) if (call.ask.method === method && call.sentAt === null) return true;
    return false;
  }

  proceed(): void {
    if (this.#mode === 'closing' || this.#mode === 'over') return;
    const { slots } = this.#core;
    const before = [...this.#handed];
    const added: Call[] = [];
    for (let ask = this.#nextAsk(); ask !== undefined; ask = this.#nextAsk()) added.push(this.#hand(ask));
    const lead = this.#mode === 'heard' ? null : this.#lead();
    const isExtra = (call: Call): boolean => lead !== null && call !== lead;
    for (const call of added) call.ticket.extra = isExtra(call);
    for (const call of before) if (!isExtra(call)) slots.promote(call.ticket);
    for (const call of added) slots.submit(call.ticket);
  }

  abort(reason: VurtiError): void {
    if (this.#mode === 'over') return;
    this.#aborted = true;
    this.#close(reason);
  }

  get #mostInFlight(): number {
    return Math.max(1, this.#options.settings.agents.maxInFlight);
  }

  #deadlineMs(ask: Ask): number {
    return calls[ask.method].deadlineSeconds(this.#options.settings.poll) * 1000;
  }

  get #silenceMs(): number {
    return this.#options.settings.poll.deadlineSeconds * 1000;
  }

  #nextAsk(): Ask | undefined {
    if (this.#handed.size >= this.#mostInFlight) return undefined;
    // One call of a kind at a time: an agent that works at its capabilities is not asked for them twice.
    const isFree = (method: Ask['method']): boolean => {
      for (const call of this.#handed) if (call.ask.method === method) return false;
      return true;
    };
    const planned = this.#asks.findIndex((ask) => isFree(ask.method));
    if (planned >= 0) return this.#asks.splice(planned, 1)[0];
    if (this.#requests >= MOST_REQUESTS) return undefined;
    const ask = this.#options.host.requests.take(isFree);
    if (ask !== undefined) this.#requests += 1;
    return ask;
  }

  #hand(ask: Ask): Call {
    const lane = this.#options.inContact ? calls[ask.method].lane : 'contact';
    const call: Call = {
      ask,
      ticket: { lane, extra: true, state: 'waiting', start: () => this.#send(call) },
      sentAt: null,
      span: undefined,
      report: null,
      stop: null,
    };
    this.#handed.add(call);
    return call;
  }

  /** The call that finds out whether anybody is there: the quickest one. */
  #lead(): Call | null {
    let lead: Call | null = null;
    for (const call of this.#handed) {
      if (!call.ticket.extra) return call;
      if (lead === null || this.#deadlineMs(call.ask) < this.#deadlineMs(lead.ask)) lead = call;
    }
    return lead;
  }

  #send(call: Call): void {
    const { clock, scheduler, fetcher, vms, telemetry } = this.#core;
    const { endpoint, host } = this.#options;
    const { ask } = call;
    const ms = this.#deadlineMs(ask);
    call.sentAt = clock.monotonic();
    if (ask.method === 'Host.getCapabilities') this.#options.host.capabilitiesAskedAt = call.sentAt;
    if (this.#mode === 'waiting') {
      this.#mode = 'silent';
      this.#begunAt = call.sentAt;
      this.#options.onBegin(call.sentAt);
      this.#span = telemetry.tracer?.start('poll', { host: endpoint.name });
    }
    call.span = this.#span?.child('call', { method: ask.method });
    if (this.#mode === 'silent' && this.#silence === null && ms > this.#silenceMs) {
      this.#silence = scheduler.at(this.#begunAt + this.#silenceMs, () => this.#close(this.#silent()), 'silence');
    }
    withDeadline(
      scheduler,
      {
        ms,
        code: 'AGENT_TIMEOUT',
        message: `${endpoint.name}: no answer to ${ask.method} within ${ms / 1000}s (${endpoint.address}:${endpoint.port})`,
        owner: call,
        label: ask.method,
      },
      (signal) => {
        const onVmReport = (report: VmStatsReport): void => this.#onVmReport(call, report);
        return calls[ask.method].send({ fetcher, vms, endpoint, ask, compared: host.compared, onVmReport }, { signal });
      },
    ).then(
      (tell) => this.#onEnd(call, tell, null),
      (error: unknown) => this.#onEnd(call, null, asVurtiError(error, `${ask.method} of ${endpoint.name}`)),
    );
  }

  #silent(): VurtiError {
    const { name, address, port } = this.#options.endpoint;
    return new VurtiError('AGENT_TIMEOUT', `${name}: no answer within ${this.#silenceMs / 1000}s (${address}:${port})`);
  }

  #onEnd(call: Call, tell: Tell | null, failure: VurtiError | null): void {
    this.#handed.delete(call);
    this.#core.slots.leave(call.ticket);
    call.span?.end(failure ?? undefined);
    if (!this.#aborted) this.#judge(call, tell, failure);
    const silentMs = this.#core.clock.monotonic() - this.#begunAt;
    if (this.#mode === 'silent' && silentMs >= this.#silenceMs - EARLY_MS) this.#close(this.#silent());
    this.proceed();
    this.#finishIfDone();
  }

  /** Says at once what one answer or failure means by itself; what it means together with the others, `#finish` says. */
  #judge(call: Call, tell: Tell | null, failure: VurtiError | null): void {
    const { host } = this.#options;
    const stamp = (complete: boolean) => host.stamp(call.sentAt ?? this.#begunAt, complete);
    let evidence: readonly Evidence[] = [];
    let error = failure;
    try {
      if (tell !== null) evidence = this.#tell(call, tell, stamp);
    } catch (thrown) {
      // Reports decode when they are looked at: an answer may turn out to be unreadable only here.
      error = asVurtiError(thrown, `answer to ${call.ask.method}`);
    }
    const outcome = error === null ? 'answered' : outcomeOf(error);
    const wasRecovering = this.tally.recovering;
    this.tally.add(call.ask.method, outcome, error);
    this.#note(call, outcome, error);
    if (isHeard(outcome) && this.#mode === 'silent') {
      this.#mode = 'heard';
      this.#silence?.cancel();
    }
    if (error !== null) {
      if (outcome === 'refused' && call.ask.method === 'Host.dumpxmls') host.requests.refused(call.ask);
      if (outcome === 'refused') evidence = [refusal(call.ask.method, host.id, stamp(false), error)];
      else if (outcome === 'recovering' && !wasRecovering) {
        evidence = [{ name: 'VdsRecovering', host: host.id, stamp: stamp(false), error }];
      }
    }
    for (const piece of evidence) {
      // Whoever heard the piece before may have removed the host.
      if (this.#aborted) return;
      this.#publish(piece);
    }
    if (call.report === null || error !== null || this.#aborted) return;
    host.reportedDueMs = host.dueMs;
    this.#core.follower.afterReport(host.id, call.report, call.sentAt ?? this.#begunAt);
  }

  /** A report is decoded as far as the repository must be compared with it. */
  #tell(call: Call, tell: Tell, stamp: (complete: boolean) => EvidenceStamp): readonly Evidence[] {
    const { clock, telemetry } = this.#core;
    const began = clock.monotonic();
    const span = this.#span?.child('decode', { method: call.ask.method });
    try {
      return tell(stamp);
    } finally {
      span?.end();
      telemetry.observe('vurti_step_seconds', (clock.monotonic() - began) / 1000, { step: 'decode' });
    }
  }

  #publish(piece: Evidence): void {
    const { evidence } = this.#core;
    if (this.#span === undefined) evidence.publish(piece);
    else this.#span.within(() => evidence.publish(piece));
  }

  #onVmReport(call: Call, report: VmStatsReport): void {
    const { id, compared } = this.#options.host;
    this.#core.follower.beforeReport(id, report, compared, call.sentAt ?? this.#begunAt);
    call.report = report;
  }

  #note(call: Call, outcome: Outcome, error: VurtiError | null): void {
    const { clock, telemetry } = this.#core;
    const { host } = this.#options;
    const durationMs = clock.monotonic() - (call.sentAt ?? this.#begunAt);
    const { method } = call.ask;
    host.history.add(clock.now(), method, outcome, durationMs, error?.code ?? null);
    telemetry.count('vurti_agent_calls_total', 1, { method, outcome });
    telemetry.observe('vurti_agent_call_seconds', durationMs / 1000, { method });
    if (error?.code === 'INTERNAL') telemetry.log('error', error.message, { host: host.id, method });
  }

  #close(reason: VurtiError): void {
    if (this.#mode === 'closing' || this.#mode === 'over') return;
    this.#mode = 'closing';
    this.#silence?.cancel();
    this.#asks.length = 0;
    const handed = [...this.#handed];
    for (const call of handed) {
      if (call.sentAt !== null) continue;
      this.#handed.delete(call);
      this.#core.slots.leave(call.ticket);
    }
    for (const call of handed) call.stop?.(reason);
    this.#finishIfDone();
  }

  #finishIfDone(): void {
    if (this.#handed.size > 0 || this.#mode === 'over') return;
    this.#mode = 'over';
    this.#silence?.cancel();
    if (!this.#aborted) this.#sumUp();
    this.#span?.end(this.tally.attempt ?? undefined);
    this.#options.onOver(this);
  }

  #sumUp(): void {
    const { host } = this.#options;
    const { attempt, vmStatsFailure } = this.tally;
    const stamp = () => host.stamp(this.#begunAt, false);
    if (attempt !== null) {
      this.#publish({ name: 'VdsUnreachable', host: host.id, stamp: stamp(), error: attempt });
      host.beginSession();
    }
    if (vmStatsFailure !== null) {
      this.#publish({ name: 'VmStatsFailed', host: host.id, stamp: stamp(), error: vmStatsFailure });
    }
  }
}

function refusal(method: Ask['method'], host: string, stamp: EvidenceStamp, error: VurtiError): Evidence {
  if (method === 'Host.getAllVmStats') return { name: 'VmStatsFailed', host, stamp, error };
  return { name: 'VdsCallFailed', host, stamp, method, error };
}
