import {
  type Clock,
  type Ids,
  type Random,
  type Scheduler,
  seconds,
  type Telemetry,
  type Timer,
  VurtiError,
} from '../../kernel/index.js';
import type { AgentSettings, HostEndpoint } from '../../model/index.js';
import { aborted, agentError, badAnswer, type Question } from '../agent-errors.js';
import type { AgentQuestion } from '../agent-fetcher.js';
import type { AgentSession, PushListener, PushSubscription } from '../ports.js';
import type { Rooms } from '../rooms.js';
import { requestOf } from '../rpc.js';
import { AgentCalls } from './agent-calls.js';
import { pushOf } from './pushed.js';
import { Replies } from './replies.js';
import type { Sockets } from './sockets.js';
import { encodeFrame, type StompFrame } from './stomp-frame.js';
import { StompSession } from './stomp-session.js';

const MIB = 1_048_576;
const REQUESTS = 'jms.topic.vdsm_requests';
const EVENTS = 'jms.queue.events';

/** Between the beginnings of two attempts, whoever asks. */
const LEAST_GAP_MS = seconds(1);
/** Waits of a listener: doubled from this … */
const FIRST_WAIT_MS = seconds(1);
/** … up to this, each less up to half of it by chance. */
const LONGEST_WAIT_MS = seconds(30);
/** A connection that held for so long begins the waits anew. */
const STABLE_MS = seconds(60);
/** After "out of workers" (1100) the agent gets one request at a time for so long. */
const BUSY_MS = seconds(60);

export interface LinkCore {
  readonly sockets: Sockets;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly ids: Ids;
  readonly telemetry: Telemetry;
  readonly limitsOf: (host: HostEndpoint) => AgentSettings;
  /** Bodies are put together in places that are used again. */
  readonly rooms: Rooms;
}

/** Somebody who hears the host's events. */
interface Listening {
  readonly listener: PushListener;
  /** Id of its subscription on the connection there is now; null = none. */
  subscription: string | null;
  /** `connected` was said, `lost` was not. */
  told: boolean;
}

/**
 * One host: its connection, made anew when it is lost, the calls that go over it, and who listens to its events.
 *
 * Modes:
 *   idle        no connection and nobody who waits for one; the next call or listener makes one
 *   waiting     the next attempt has its time: soon if there are calls, later and later if there is only a listener
 *   connecting  an attempt is under way; calls wait for it, and all fail with it
 *   ready       calls are sent as they come, within the limit
 *   released    for ever
 *
 * What is lost is lost at once for everybody: calls in flight and calls that wait fail with the connection they had. The
 * agent does the work of a request that was sent, whether or not its answer still finds us: nothing is ever sent twice.
 */
export class HostLink {
  readonly #core: LinkCore;
  readonly #calls: AgentCalls;
  readonly #replies: Replies;
  #host: HostEndpoint;
  #mode: 'idle' | 'waiting' | 'connecting' | 'ready' | 'released' = 'idle';
  #session: StompSession | null = null;
  #sessionFacts: AgentSession | null = null;
  /** Of this connection alone: other clients of the agent never see our answers. */
  #replyTo = '';
  #listening: Listening | null = null;
  #attempt: Timer | null = null;
  #attemptBeganAt = -Infinity;
  #readyAt = 0;
  #failures = 0;
  #busyUntil = -Infinity;

  constructor(core: LinkCore, host: HostEndpoint) {
    this.#core = core;
    this.#host = host;
    this.#calls = new AgentCalls(core.scheduler, () => this.#flush());
    this.#replies = new Replies({
      calls: this.#calls,
      telemetry: core.telemetry,
      onBusy: () => {
        this.#busyUntil = core.clock.monotonic() + BUSY_MS;
      },
    });
  }

  /** Another address or other keys: the connection to the old ones is given up. */
  retarget(host: HostEndpoint): void {
    const same = isSameTarget(this.#host, host);
    this.#host = host;
    if (same) return;
    this.#failures = 0;
    this.#attemptBeganAt = -Infinity;
    this.#drop(new VurtiError('AGENT_ABORTED', `${host.name} is asked at another address or with other keys now`));
  }

  ask(question: AgentQuestion): Promise<unknown> {
    if (this.#mode === 'released') return Promise.reject(agentError('AGENT_ABORTED', question, 'was given up'));
    const call = this.#calls.add(question);
    if (this.#mode === 'ready') this.#flush();
    else this.#plan();
    return call;
  }

  listen(listener: PushListener): PushSubscription {
    if (this.#listening !== null) {
      throw new VurtiError('BAD_ARGUMENT', `There is a listener to the events of ${this.#host.name} already`);
    }
    const listening: Listening = { listener, subscription: null, told: false };
    this.#listening = listening;
    if (this.#mode !== 'ready') this.#plan();
    // Not before the caller has its subscription in hand.
    else void Promise.resolve().then(() => this.#subscribe(listening));
    return {
      close: () => {
        if (this.#listening !== listening) return;
        this.#listening = null;
        if (listening.subscription !== null) this.#send('UNSUBSCRIBE', { id: listening.subscription });
        if (this.#mode === 'waiting' && !this.#calls.hasWaiting) this.#rest();
      },
    };
  }

  release(reason: VurtiError): void {
    if (this.#mode === 'released') return;
    this.#session?.close();
    this.#rest();
    this.#mode = 'released';
    this.#tellLost(reason);
    this.#listening = null;
  }

  /** Ends what there is, with this reason for all; then what is still wanted begins anew. */
  #drop(reason: VurtiError): void {
    this.#session?.close();
    this.#onLost(reason);
  }

  /** Sees to an attempt at its time, if anybody wants a connection. */
  #plan(): void {
    if (this.#mode !== 'idle' && this.#mode !== 'waiting') return;
    this.#rest();
    const wanted = this.#calls.hasWaiting ? LEAST_GAP_MS : this.#listening === null ? null : this.#backoff();
    if (wanted === null) return;
    const { clock, scheduler } = this.#core;
    const due = Math.max(this.#attemptBeganAt + wanted, clock.monotonic());
    if (due <= clock.monotonic()) {
      this.#connect();
      return;
    }
    this.#mode = 'waiting';
    this.#attempt = scheduler.at(due, () => this.#connect(), 'agent-reconnect');
  }

  #backoff(): number {
    if (this.#failures === 0) return LEAST_GAP_MS;
    const longest = Math.min(FIRST_WAIT_MS * 2 ** Math.min(this.#failures, 16), LONGEST_WAIT_MS);
    return Math.max(LEAST_GAP_MS, longest * (1 - this.#core.random.next() / 2));
  }

  #rest(): void {
    this.#attempt?.cancel();
    this.#attempt = null;
    this.#mode = 'idle';
  }

  #connect(): void {
    const { clock, ids, telemetry, limitsOf } = this.#core;
    this.#attempt = null;
    this.#mode = 'connecting';
    this.#attemptBeganAt = clock.monotonic();
    this.#replyTo = `vurti.${ids.uuid()}`;
    this.#replies.begin();
    telemetry.count('vurti_agent_connections_total');
    const session = new StompSession(this.#core, this.#host, {
      maxFrameBytes: () => limitsOf(this.#host).maxAnswerMiB * MIB,
      room: (bytes) => this.#core.rooms.take(bytes),
      ready: (facts) => this.#onReady(facts),
      message: (frame) => this.#onMessage(frame),
      refused: (text) => this.#onRefused(text),
      drained: () => this.#flush(),
      lost: (error) => this.#onLost(error),
    });
    this.#session = session;
  }

  #onReady(facts: AgentSession): void {
    this.#mode = 'ready';
    this.#readyAt = this.#core.clock.monotonic();
    this.#sessionFacts = facts;
    this.#send('SUBSCRIBE', { destination: this.#replyTo, id: this.#core.ids.uuid(), ack: 'auto' });
    if (this.#listening !== null) this.#subscribe(this.#listening);
    this.#flush();
  }

  /**
   * The agent works through a connection's frames in order: whatever is asked after this frame is answered by an agent
   * that pushes already. It does not confirm a subscription.
   */
  #subscribe(listening: Listening): void {
    if (this.#mode !== 'ready' || this.#sessionFacts === null) return;
    if (this.#listening !== listening || listening.told) return;
    listening.subscription = this.#core.ids.uuid();
    listening.told = true;
    this.#send('SUBSCRIBE', { destination: EVENTS, id: listening.subscription, ack: 'auto' });
    listening.listener.connected(this.#sessionFacts);
  }

  #flush(): void {
    while (this.#mode === 'ready' && this.#calls.hasWaiting && this.#mayAsk()) {
      const id = this.#core.ids.uuid();
      const question = this.#calls.take(id);
      if (question === undefined) return;
      const headers = { destination: REQUESTS, 'reply-to': this.#replyTo };
      this.#send('SEND', headers, requestOf(id, question.method, question.params));
    }
  }

  #mayAsk(): boolean {
    const { clock, limitsOf } = this.#core;
    const limit = clock.monotonic() < this.#busyUntil ? 1 : limitsOf(this.#host).maxInFlight;
    return this.#calls.inFlight < limit && this.#session?.isWritable === true;
  }

  #send(command: string, headers: Readonly<Record<string, string>>, body?: string): void {
    if (this.#session?.isReady) this.#session.send(encodeFrame(command, headers, body));
  }

  #onMessage(frame: StompFrame): void {
    const destination = frame.headers.get('destination');
    if (destination === this.#replyTo) {
      if (!this.#replies.take(this.#question(), frame.body)) this.#core.rooms.giveBack(frame.body);
      this.#flush();
    } else if (destination === EVENTS) {
      this.#onEvent(frame.body);
      this.#core.rooms.giveBack(frame.body);
    } else this.#core.telemetry.count('vurti_agent_frames_ignored_total');
  }

  #onEvent(body: Buffer): void {
    const listening = this.#listening;
    if (listening === null || !listening.told) return;
    const push = pushOf(this.#host, body);
    if (push === 'unreadable') this.#core.telemetry.count('vurti_pushes_unreadable_total');
    else if (push !== null) listening.listener.pushed(push);
  }

  /** VDSM says of one of our frames that it cannot do it, and goes on; not of which. */
  #onRefused(text: string): void {
    const refusal = (question: Question): VurtiError => badAnswer(question, 'it refused a frame', text);
    this.#core.telemetry.count('vurti_agent_errors_total');
    // Before the first answer it may have been the subscription by which all answers come.
    if (!this.#replies.heard) this.#drop(refusal(this.#question()));
    else this.#calls.failFlying(refusal);
    this.#flush();
  }

  #onLost(error: VurtiError): void {
    const { clock } = this.#core;
    const held = this.#mode === 'ready' && clock.monotonic() - this.#readyAt >= STABLE_MS;
    if (error.code !== 'AGENT_ABORTED') this.#failures = held ? 0 : this.#failures + 1;
    this.#rest();
    this.#tellLost(error);
    this.#plan();
  }

  #tellLost(error: VurtiError): void {
    this.#session = null;
    this.#sessionFacts = null;
    this.#calls.failAll((question) => errorForCall(error, question));
    const listening = this.#listening;
    if (listening === null) return;
    const { told } = listening;
    listening.told = false;
    listening.subscription = null;
    if (told) listening.listener.lost(error);
  }

  /** For what belongs to no call. */
  #question(): Question {
    return { host: this.#host, method: 'connect' };
  }
}

function errorForCall(error: VurtiError, question: AgentQuestion): VurtiError {
  if (question.signal.aborted) return aborted(question, question.signal);
  const { code, message, cause, hint } = error;
  return new VurtiError(code, message, {
    ...(cause === undefined ? {} : { cause }),
    hint,
    details: { ...error.details, host: question.host.id, method: question.method },
  });
}

function isSameTarget(one: HostEndpoint, other: HostEndpoint): boolean {
  if (one.address !== other.address || one.port !== other.port) return false;
  if (one.tls === other.tls) return true;
  if (one.tls === null || other.tls === null) return false;
  const { ca, cert, key, checkHostName } = one.tls;
  const { tls } = other;
  return ca === tls.ca && cert === tls.cert && key === tls.key && checkHostName === tls.checkHostName;
}
