import { type Clock, type Random, type Scheduler, systemRandom, type Telemetry, VurtiError } from '../kernel/index.js';
import { backoffMs, isAway } from '../store/index.js';

/** What is known while a start waits for its database. */
export interface DatabaseAway {
  /** When the first attempt failed, ms since the epoch. */
  readonly since: number;
  readonly attempts: number;
  readonly lastError: string;
  /** Of changes that an earlier process kept in the journal: they are written first, once the database answers. */
  readonly journalBytes: number;
}

export interface DatabaseWait {
  /** How long a start waits for a server that does not answer, before it fails as the last attempt did; 0 = not at all. */
  readonly seconds: number;
  /** Told after each attempt that failed. */
  readonly onAway?: (away: DatabaseAway) => void;
  /** Ends the wait: @throws STOPPED */
  readonly signal?: AbortSignal;
}

export interface Patience extends DatabaseWait {
  readonly journalBytes: () => Promise<number>;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly random?: Random;
}

const RETRY = { firstMs: 250, mostMs: 5000 };

/**
 * Opens until it works. Only a server that does not answer, or is starting, is waited for: what a server answers (a wrong
 * password, no such database, another program's tables, a newer schema) would be the same in an hour.
 */
export async function openPatiently<T>(open: () => Promise<T>, patience: Patience): Promise<T> {
  const { seconds, onAway, signal, journalBytes, clock, scheduler, telemetry, random = systemRandom } = patience;
  const began = clock.monotonic();
  const since = clock.now();
  for (let attempts = 1; ; attempts++) {
    try {
      const opened = await open();
      const afterSeconds = Math.round((clock.monotonic() - began) / 1000);
      if (attempts > 1) telemetry.log('warn', 'The database answers now', { attempts, afterSeconds });
      return opened;
    } catch (error) {
      const left = began + seconds * 1000 - clock.monotonic();
      if (!isAway(error) || left <= 0 || signal?.aborted) throw error;
      const ms = Math.min(left, backoffMs(attempts - 1, RETRY, random));
      const lastError = error.message;
      onAway?.({ since, attempts, lastError, journalBytes: await journalBytes() });
      telemetry.log(attempts === 1 ? 'warn' : 'debug', 'The database does not answer; the start waits for it', {
        ...{ attempts, message: lastError, forSeconds: seconds },
      });
      await pause(scheduler, ms, signal);
      if (signal?.aborted) throw new VurtiError('STOPPED', 'Stopped while waiting for the database', { cause: error });
    }
  }
}

function pause(scheduler: Scheduler, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = scheduler.after(ms, end, 'database-wait');
    signal?.addEventListener('abort', end, { once: true });
  });
}
