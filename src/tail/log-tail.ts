import type { Observable } from 'rxjs';
import { type Cursor, type LogReader, type LogRecord, parseCursor } from '../events/index.js';

export interface TailQuery {
  /** Cursor text; "oldest" = from the first record kept. Absent: from the present head. */
  readonly after?: string;
  /** false: end at the head instead of waiting for more. Default true. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

const PAGE = 500;

/**
 * Reads the log in order: what is kept, then what is committed, without a hole or a double between them. It always reads
 * from the store and uses commits only to wake up, so a slow reader holds nothing but its own place.
 */
export class LogTail {
  readonly #reader: LogReader;
  readonly #committed$: Observable<readonly LogRecord[]>;

  constructor(reader: LogReader, committed$: Observable<readonly LogRecord[]>) {
    this.#reader = reader;
    this.#committed$ = committed$;
  }

  async *read(query: TailQuery = {}): AsyncGenerator<LogRecord, void, void> {
    const { signal } = query;
    const waker = new Waker();
    const subscription = this.#committed$.subscribe({ next: () => waker.wake(), complete: () => waker.close() });
    const onAbort = (): void => waker.close();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      let at = await this.#startOf(query.after);
      while (!isAborted(signal)) {
        const page = await this.#reader.read(at, PAGE);
        for (const record of page) {
          if (isAborted(signal)) return;
          at = parseCursor(record.cursor);
          yield record;
        }
        if (page.length > 0) continue;
        if (query.follow === false || !(await waker.sleep())) return;
      }
    } finally {
      subscription.unsubscribe();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  latest(limit: number, before?: string): Promise<readonly LogRecord[]> {
    return this.#reader.readBackwards(before === undefined ? null : parseCursor(before), limit);
  }

  async #startOf(after: string | undefined): Promise<Cursor> {
    if (after !== undefined && after !== 'oldest') return parseCursor(after);
    const bounds = await this.#reader.bounds();
    return after === 'oldest' ? bounds.oldest : bounds.head;
  }
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted ?? false;

/** Remembers a wake-up that comes while nobody sleeps, so that none is lost between a read and the sleep after it. */
class Waker {
  #woken = false;
  #closed = false;
  #resolve: (() => void) | undefined;

  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  close(): void {
    this.#closed = true;
    this.#resolve?.();
  }

  /** True when there may be more; false when there never will be. */
  async sleep(): Promise<boolean> {
    if (!this.#woken && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      this.#resolve = undefined;
    }
    const more = this.#woken;
    this.#woken = false;
    return more;
  }
}
