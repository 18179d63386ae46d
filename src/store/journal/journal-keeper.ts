import type { JournalState } from '../../events/index.js';
import { messageOf, type Scheduler, type Telemetry, type Timer } from '../../kernel/index.js';
import type { Backlog } from '../backlog.js';
import { type Batch, type FlushMark, sameMark } from '../flush-target.js';
import type { JournalEntry } from './entry.js';
import type { Journal } from './journal.js';

export interface JournalKeeperOptions {
  readonly journal: Journal;
  readonly backlog: Backlog;
  /** Names the next flush. */
  readonly nextMark: () => FlushMark;
  /** The latest flush that is known to be in the database. */
  readonly last: () => FlushMark | null;
  /** How long the first change waits for others before it is kept. */
  readonly lingerMs: number;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/**
 * Keeps in the journal what a committer cannot write.
 *
 * Modes: *idle* – the database works, nothing is kept and changes are shown at once; *keeping* – each flush goes to the
 * journal, then its changes are shown; *full*, *failed* – nothing more is kept until the journal is empty again (full) or
 * a write into it works (failed): flushes wait in memory and changes are shown at once. Statistics stay in memory in all
 * modes, but for rows of them in the flush that failed first; the usage of VMs stays there always.
 */
export class JournalKeeper {
  readonly #options: JournalKeeperOptions;
  #mode: JournalState['mode'] = 'idle';
  #lastError: string | null = null;
  /** The last flush in the database when this keeping began. */
  #since: FlushMark | null = null;
  /** Not shown yet, in order. */
  readonly #held: { readonly ticket: number; readonly show: () => void }[] = [];
  #linger: Timer | null = null;
  #keeping: Promise<void> | null = null;
  /** The flush that the committer tries, when it is in the journal. */
  #kept: FlushMark | null = null;
  /** That flush, when it is still to be kept. */
  #first: Batch | null = null;

  constructor(options: JournalKeeperOptions) {
    this.#options = options;
  }

  /** What waits is in the journal, or was when it was full: it is written from there first. */
  get active(): boolean {
    return this.#mode !== 'idle';
  }

  state(): JournalState {
    return { ...this.#options.journal.figures(), mode: this.#mode, lastError: this.#lastError };
  }

  isKept(mark: FlushMark): boolean {
    return sameMark(this.#kept, mark);
  }

  /** Calls `show` when the change set of this ticket may be seen. */
  show(ticket: number, show: () => void): void {
    if (this.#mode !== 'keeping' && this.#held.length === 0) {
      show();
      return;
    }
    this.#held.push({ ticket, show });
    this.#arm();
  }

  /** What an earlier process left is to be written first. */
  resume(): void {
    const { journal, telemetry } = this.#options;
    const { flushes, records, place } = journal.figures();
    if (flushes === 0) return;
    telemetry.log('warn', 'An earlier process left flushes in the journal; they are written first', {
      ...{ place, flushes, records },
    });
    this.#begin();
  }

  /** The database fails, or takes too long, to take this flush: it and all that waits behind it is kept from now on. */
  failing(batch: Batch): void {
    if (this.#mode === 'keeping' || this.#mode === 'full') return;
    const { journal, telemetry } = this.#options;
    if (this.#mode === 'idle') {
      telemetry.log('warn', 'What the database does not take is kept in the journal', {
        place: journal.figures().place,
      });
      this.#begin();
    }
    this.#mode = 'keeping';
    const empty = batch.rows.length === 0 && batch.records.length === 0;
    if (!empty && !this.isKept(batch.mark)) this.#first = batch;
    void this.keepAll();
  }

  /** Keeps what waits now. False: it could not all be kept. */
  async keepAll(): Promise<boolean> {
    this.#linger?.cancel();
    this.#linger = null;
    while (this.#keeping !== null || (this.#mode === 'keeping' && this.#waits)) {
      this.#keeping ??= this.#keep().finally(() => {
        this.#keeping = null;
      });
      await this.#keeping;
    }
    return this.#mode === 'keeping' || this.#mode === 'idle';
  }

  /** The oldest flush of the journal; null: it is empty, and the committer goes on with what waits in memory. */
  async next(): Promise<JournalEntry | null> {
    const { journal } = this.#options;
    for (;;) {
      const entry = await journal.next();
      if (entry !== null) {
        this.#kept = entry.batch.mark;
        return entry;
      }
      if (this.#keeping === null) break;
      await this.#keeping;
    }
    this.end();
    return null;
  }

  async drained(mark: FlushMark): Promise<void> {
    await this.#options.journal.drained(mark);
  }

  belongs(entry: JournalEntry): boolean {
    return this.#options.journal.belongs(entry);
  }

  async setAside(): Promise<void> {
    await this.#options.journal.setAside();
  }

  /** Back to *idle*. */
  end(): void {
    if (this.#mode !== 'idle') this.#options.telemetry.log('info', 'The journal is no longer needed');
    this.#mode = 'idle';
    this.#lastError = null;
    this.#kept = null;
    this.#first = null;
    this.#linger?.cancel();
    this.#linger = null;
    this.#showBefore(Number.POSITIVE_INFINITY);
  }

  async close(): Promise<void> {
    this.#linger?.cancel();
    await this.#keeping;
    await this.#options.journal.close();
  }

  get #waits(): boolean {
    return (
      this.#first !== null ||
      this.#held.length > 0 ||
      this.#options.backlog.oldestExplained !== Number.POSITIVE_INFINITY
    );
  }

  #begin(): void {
    this.#mode = 'keeping';
    this.#since = this.#options.last();
  }

  #arm(): void {
    if (this.#mode !== 'keeping' || this.#linger !== null || this.#keeping !== null) return;
    const { scheduler, lingerMs } = this.#options;
    this.#linger = scheduler.after(lingerMs, () => void this.keepAll(), 'journal');
  }

  /** One flush after the other, until nothing waits; what comes during one write makes up the next. */
  async #keep(): Promise<void> {
    const { backlog, nextMark } = this.#options;
    const first = this.#first;
    this.#first = null;
    if (first !== null && (await this.#append(first))) this.#kept = first.mark;
    while (this.#mode === 'keeping') {
      const taken = backlog.takeExplained();
      if (taken === null) break;
      if (!(await this.#append({ rows: taken.rows, records: taken.records, mark: nextMark() }))) {
        backlog.giveBack(taken);
        break;
      }
      this.#showBefore(backlog.oldestExplained);
    }
    if (this.#mode === 'keeping') this.#showBefore(backlog.oldestExplained);
  }

  async #append(batch: Batch): Promise<boolean> {
    const { journal, telemetry } = this.#options;
    try {
      if (await journal.append(batch, this.#since)) {
        this.#lastError = null;
        return true;
      }
      this.#mode = 'full';
      telemetry.log('error', 'The journal is full; what comes now waits in memory alone', {
        bytes: journal.figures().bytes,
      });
    } catch (error) {
      this.#mode = 'failed';
      const message = messageOf(error);
      if (this.#lastError !== message) telemetry.log('error', 'The journal cannot be written', { message });
      this.#lastError = message;
    }
    this.#showBefore(Number.POSITIVE_INFINITY);
    return false;
  }

  #showBefore(ticket: number): void {
    // One by one: what is committed by those who are shown a change goes to the end of the row.
    for (let [first] = this.#held; first !== undefined && first.ticket < ticket; [first] = this.#held) {
      this.#held.shift();
      first.show();
    }
  }
}
