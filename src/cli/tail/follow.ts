import { VurtiError } from '../../kernel/index.js';
import type { ApiEvent, StreamFrames } from '../../server/index.js';
import type { Client, Query } from '../client.js';
import { clockTime, count } from '../human.js';
import { type Io, pause } from '../io.js';
import type { SseFrame } from '../sse.js';

export interface Following {
  readonly io: Io;
  /** Looked up again after a loss: the service may come back at another address. */
  readonly connect: () => Client;
  readonly query: Query;
  readonly utc: boolean;
  /** false: ends at the end of the log, and when the service is lost. */
  readonly follow: boolean;
  /** A gap at the beginning is an error instead of a notice. */
  readonly strict: boolean;
  /** For people, beside the events. */
  readonly notice: (text: string) => void;
  /** Events that came together, and how far the log was read with them. */
  readonly show: (events: readonly ApiEvent[], cursor: string) => Promise<void>;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

/**
 * Reads the event stream from a cursor on, or from where the query says; gives the last cursor. With `follow` it ends
 * only by `io.stop` or by an error that no patience mends: what happened while the connection or the service was away is
 * read afterwards, and it says whether anything was missed.
 */
export async function follow(following: Following, client: Client, from: string | undefined): Promise<string> {
  const { io } = following;
  const reader = new StreamReading(following, from);
  let service = client;
  let wait = FIRST_PAUSE_MS;
  for (;;) {
    try {
      if (reader.lost) service = following.connect();
      for await (const frames of service.stream('/api/v1/events/stream', reader.query)) {
        await reader.take(frames);
        wait = FIRST_PAUSE_MS;
        if (reader.ended && reader.cursor !== undefined) return reader.cursor;
      }
      throw new VurtiError('SERVICE_UNREACHABLE', `The service at ${service.url} ended the stream.`);
    } catch (error) {
      if (!(error instanceof VurtiError) || !error.retryable || !following.follow || !reader.begun) throw error;
      reader.lose(error);
      await pause(io, wait, 'tail');
      wait = Math.min(LONGEST_PAUSE_MS, wait * 2);
    }
  }
}

class StreamReading {
  readonly #o: Following;
  cursor: string | undefined;
  lost = false;
  ended = false;
  /** Of the service that was read from: another one's tells of a restart. */
  #startedAt: string | undefined;

  constructor(options: Following, from: string | undefined) {
    this.#o = options;
    this.cursor = from;
  }

  get begun(): boolean {
    return this.#startedAt !== undefined;
  }

  get query(): Query {
    const { query, follow } = this.#o;
    const { since, ...others } = query;
    return {
      ...others,
      // From the first cursor on, that is the place.
      ...(this.cursor === undefined ? { since } : { after: this.cursor }),
      ...(follow ? {} : { follow: 'false' }),
    };
  }

  lose(error: VurtiError): void {
    if (!this.lost) {
      const reason = error.code === 'NOT_READY' ? 'service is starting' : 'connection lost';
      this.#say(`${reason}; waiting for the service`);
    }
    this.lost = true;
  }

  async take(frames: readonly SseFrame[]): Promise<void> {
    const events: ApiEvent[] = [];
    let { cursor } = this;
    for (const frame of frames) {
      switch (frame.event) {
        case 'hello':
          this.#hello(frame.data);
          break;
        case 'gap':
          this.#gap(frame.data);
          break;
        case 'event':
          events.push(frame.data);
          break;
        case 'end':
          this.ended = frame.data.reason === 'head';
          break;
        default:
          break;
      }
      if (frame.id !== '') cursor = frame.id;
    }
    this.cursor = cursor;
    if (cursor !== undefined) await this.#o.show(events, cursor);
  }

  #hello({ startedAt, exact }: StreamFrames['hello']): void {
    if (this.lost) {
      const back = startedAt === this.#startedAt ? 'connected again' : 'service restarted';
      this.#say(exact ? `${back}; resumed after ${this.cursor}, nothing missed` : back);
    }
    this.lost = false;
    this.#startedAt = startedAt;
  }

  #gap({ reason, after, resumedAfter, missing, repeats }: StreamFrames['gap']): void {
    const records = missing === null ? 'records' : `${count(missing)} ${missing === 1 ? 'record' : 'records'}`;
    const what =
      reason === 'removed'
        ? `${records} after ${after} removed before they were read`
        : `${after} is not a place in this log: it is another database, or a backup was restored`;
    if (this.#o.strict && !this.lost && this.cursor === after) {
      const code = reason === 'removed' ? 'CURSOR_TOO_OLD' : 'CURSOR_INVALID';
      const hint = `Go on from where this log does: --after-cursor ${resumedAfter}`;
      throw new VurtiError(code, `There is a gap: ${what}`, reason === 'removed' ? {} : { hint });
    }
    this.#say(`gap: ${what}; going on after ${resumedAfter}${repeats ? ', events may come again' : ''}`);
  }

  #say(text: string): void {
    const now = this.#o.io.clock.now();
    this.#o.notice(`-- ${clockTime(now, now, this.#o.utc)} ${text} --`);
  }
}
