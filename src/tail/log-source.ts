import type { Observable } from 'rxjs';
import type { Cursor, LogBounds, LogReader, LogRecord } from '../events/index.js';
import { Gate } from './gate.js';
import { findGap, placeBefore, type TailGap } from './places.js';
import { RecentRecords } from './recent-records.js';

export interface LogSourceOptions {
  /** Newest records held in memory for all readers: their number, and the text in them. Default 8,192 and 16 Mi. */
  readonly recentRecords?: number;
  readonly recentCharacters?: number;
  /** Readers that read history at once; the others wait their turn. Default 2. */
  readonly historyReads?: number;
}

/**
 * What all readers of one log share: the newest records, one subscription to the commits, and the way to the store.
 *
 * Contract: memory is bounded whatever the number of readers and however slow they are; what memory no longer holds is
 * read from the store. Reads of history are bounded in number, and the same page wanted by several is read once.
 */
export class LogSource {
  readonly #reader: LogReader;
  readonly #recent: RecentRecords;
  readonly #gate: Gate;
  readonly #pages = new Map<string, Promise<readonly LogRecord[]>>();
  readonly #listeners = new Set<() => void>();
  #commits = 0;
  #ended = false;

  constructor(reader: LogReader, committed$: Observable<readonly LogRecord[]>, options: LogSourceOptions = {}) {
    const { recentRecords = 8192, recentCharacters = 16 * 2 ** 20, historyReads = 2 } = options;
    this.#reader = reader;
    this.#recent = new RecentRecords({ records: recentRecords, characters: recentCharacters });
    this.#gate = new Gate(historyReads);
    committed$.subscribe({
      next: (records) => {
        this.#recent.add(records);
        this.#commits += 1;
        this.#tell();
      },
      complete: () => {
        this.#ended = true;
        this.#tell();
      },
    });
  }

  /** Grows with each commit: whoever saw the end of the log at this count is at its end until the count grows. */
  get commits(): number {
    return this.#commits;
  }

  /** The store was closed: nothing more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get recent(): Pick<RecentRecords, 'count' | 'after' | 'at'> {
    return this.#recent;
  }

  /** Called after each commit and at the end; gives the way to stop it. It must not throw. */
  onCommit(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Takes the newest records of the store into memory: after a restart many come back at once and want them. */
  async warm(records: number): Promise<void> {
    this.#recent.addOlder(await this.#gate.within(() => this.#reader.readBackwards(null, records)));
  }

  /** @throws CURSOR_TOO_OLD, CURSOR_INVALID, DATABASE_UNREACHABLE */
  page(after: Cursor, limit: number): Promise<readonly LogRecord[]> {
    // A page that was asked for before the latest commit may lack its records.
    const key = `${this.#commits} ${after.epoch}.${after.seq} ${limit}`;
    const underWay = this.#pages.get(key);
    if (underWay !== undefined) return underWay;
    const page = this.#gate.within(() => this.#reader.read(after, limit)).finally(() => this.#pages.delete(key));
    this.#pages.set(key, page);
    return page;
  }

  gapAt(cursor: Cursor): Promise<TailGap | null> {
    return this.#gate.within(() => findGap(this.#reader, cursor));
  }

  placeBefore(time: number): Promise<Cursor> {
    return this.#gate.within(() => placeBefore(this.#reader, time));
  }

  bounds(): Promise<LogBounds> {
    return this.#reader.bounds();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
