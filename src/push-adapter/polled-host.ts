import { type Clock, hashOf, type VurtiError } from '../kernel/index.js';
import type { EvidenceStamp, HostEndpoint } from '../model/index.js';
import { ComparedReports } from './compared-reports.js';
import { History } from './history.js';
import { type Ask, RequestQueue } from './request-queue.js';

/** What a host's owner may do with its cycle in flight. */
export interface RunningCycle {
  /** Whether this question is still to be sent, so that its answer will be newer than now. */
  willAsk(method: Ask['method']): boolean;
  /** Hands over as many calls as the host may have in flight, those of waiting requests included. */
  proceed(): void;
  /** Ends the cycle; nothing more is published. */
  abort(reason: VurtiError): void;
}

/** What the adapter remembers of one host. No timer, stream or subscription is in it. */
export class PolledHost {
  readonly id: string;
  /** The cycle in flight. */
  cycle: RunningCycle | null = null;
  readonly requests = new RequestQueue();
  readonly history = new History();
  readonly compared = new ComparedReports();
  /** Asked for out of turn. */
  poked = false;
  /** A statistics tick found the host busy: the next tick makes up for it. */
  owesStatistics = false;
  /** Tick at which contact was last tried. */
  triedAt: number | null = null;
  /** Drawn at each try; see `multipleOf`. */
  chance = 0;
  /** What busy answers have raised the multiple to, and until when (monotonic). */
  busy = 1;
  busyUntilMs = 0;
  /** What it was raised to when the last VM report came; what is said later makes no report younger. */
  busyAtReport = 1;
  /** When its last cycle was begun, and the due time that it served; both monotonic. */
  runAt = 0;
  dueMs = 0;
  /** The due time of the last cycle that brought a VM report. */
  reportedDueMs: number | null = null;
  /** In [0, 0.1), by host. */
  readonly spread: number;
  /** Where it was last asked. */
  endpoint: HostEndpoint | null = null;
  #session = 1;
  #seq = 0;
  /** Monotonic; at first when we came to know the host. */
  capabilitiesAskedAt: number;
  readonly #clock: Clock;

  constructor(id: string, clock: Clock) {
    this.id = id;
    this.spread = (hashOf(id) % 1000) / 10_000;
    this.#clock = clock;
    this.capabilitiesAskedAt = clock.monotonic();
  }

  /** One stamp per answer or failed attempt: all evidence in one answer bears the same. */
  stamp(requestedAt: number, complete: boolean): EvidenceStamp {
    this.#seq += 1;
    return {
      host: this.id,
      session: this.#session,
      kind: 'poll',
      seq: this.#seq,
      requestedAt,
      receivedAt: this.#clock.now(),
      complete,
    };
  }

  /** Of a push that came at this time (monotonic), or of what we say about the host's pushes ourselves. */
  stampPush(at: number, agentTime: number | null): EvidenceStamp {
    const { host, session, seq, requestedAt, complete } = this.stamp(at, false);
    const receivedAt = Math.round(this.#clock.now() - (this.#clock.monotonic() - at));
    const stamp = { host, session, kind: 'push', seq, requestedAt, receivedAt, complete } as const;
    return agentTime === null ? stamp : { ...stamp, agentTime };
  }

  /** What comes now may be another boot of the host, or another machine: its clock is not to be compared any more. */
  beginSession(): void {
    this.#session += 1;
  }
}
