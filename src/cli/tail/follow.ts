import { VurtiError } from '../../kernel/index.js';
import type { ApiStatus, EventListEnvelope } from '../../server/index.js';
import type { Client, Query } from '../client.js';
import { clockTime } from '../human.js';
import { type Io, pause } from '../io.js';

export interface Following {
  readonly io: Io;
  /** Of the service that the cursor was read from: another one's tells of a restart. */
  readonly startedAt: string;
  /** Looked up again after a loss: the service may come back at another address. */
  readonly connect: () => Client;
  readonly query: Query;
  readonly utc: boolean;
  /** For people, beside the events. */
  readonly notice: (text: string) => void;
  readonly page: (page: EventListEnvelope) => void;
}

const WAIT_SECONDS = 25;
const PAGE = 1000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

/**
 * Reads on from a cursor for ever; ends only by `io.stop` or by an error that no patience mends. What happened while
 * the connection or the service was away is read afterwards: a cursor that the service accepts misses nothing.
 */
export async function follow(following: Following, client: Client, from: string): Promise<never> {
  const { io } = following;
  let at = from;
  let service = client;
  let { startedAt } = following;
  let lost = false;
  let wait = FIRST_PAUSE_MS;
  const say = (text: string): void => {
    const now = io.clock.now();
    following.notice(`-- ${clockTime(now, now, following.utc)} ${text} --`);
  };
  for (;;) {
    try {
      if (lost) service = following.connect();
      const query = { ...following.query, after: at, limit: PAGE, ...(lost ? {} : { wait: WAIT_SECONDS }) };
      const page = await service.get<EventListEnvelope>('/api/v1/events', query, WAIT_SECONDS);
      if (lost) {
        const again = (await service.get<ApiStatus>('/api/v1/status')).startedAt;
        const back = again === startedAt ? 'connected again' : 'service restarted';
        say(
          at === 'oldest'
            ? `${back}; resumed at the oldest event kept`
            : `${back}; resumed after ${at}, nothing missed`,
        );
        startedAt = again;
        lost = false;
        wait = FIRST_PAUSE_MS;
      }
      at = page.cursor;
      following.page(page);
    } catch (error) {
      if (!(error instanceof VurtiError)) throw error;
      if (error.code === 'CURSOR_TOO_OLD' && at !== 'oldest') {
        say(`events after ${at} were removed before they were read: there is a gap`);
        at = 'oldest';
        continue;
      }
      if (!error.retryable) throw error;
      if (!lost) say(`${reason(error)}; waiting for the service`);
      lost = true;
      await pause(io, wait, 'tail');
      wait = Math.min(LONGEST_PAUSE_MS, wait * 2);
    }
  }
}

const reason = (error: VurtiError): string => (error.code === 'NOT_READY' ? 'service is starting' : 'connection lost');
