import type { JournalFigures } from '../../events/index.js';
import { messageOf, type Scheduler, type Telemetry } from '../../kernel/index.js';
import { type Batch, type FlushMark, sameMark } from '../flush-target.js';
import { decodeEntry, encodeEntry, type JournalEntry, sizeOfEntry } from './entry.js';
import { frame, type Piece, pieceAt } from './frame.js';
import type { JournalFiles } from './journal-files.js';

export interface JournalOptions {
  readonly files: JournalFiles;
  readonly maxBytes: number;
  /** This start's own name as a writer. */
  readonly writer: string;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

interface Segment {
  readonly name: string;
  /** Bytes that are whole and durable. */
  size: number;
  /** Something in it could not be read: it is kept under another name when it is through. */
  damaged: boolean;
}

/** A file is removed as a whole, so it should not be large. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
const NAME = /^journal-(\d{6,})\.log$/;
const ASIDE = /^journal-.*\.(damaged|foreign)$/;

/** Bytes of what an earlier process left, without a look into it. */
export async function bytesLeft(files: JournalFiles): Promise<number> {
  let bytes = 0;
  for (const name of await files.list()) if (NAME.test(name)) bytes += await files.size(name);
  return bytes;
}

/**
 * Flushes that wait for the database, in files: a queue, appended to at one end and taken from at the other. An entry
 * that was appended is there after any crash; it goes when `drained` says that the database has it. Entries that
 * the database has all the same (a crash came between its commit and `drained`) are known by their marks and passed over.
 */
export class Journal {
  readonly #options: JournalOptions;
  #segments: Segment[] = [];
  /** Where the oldest entry that waits stands in the first segment. */
  #at = 0;
  /** What was read of the first segment, from `from` on. */
  #read: { readonly name: string; readonly from: number; readonly bytes: Uint8Array } | null = null;
  #nextIndex = 1;
  /** The last file takes no more: what stands at its end is not known. */
  #sealed = true;
  #last: FlushMark | null = null;
  #aside: string[] = [];
  #waiting = { flushes: 0, rows: 0, records: 0 };
  #turn: Promise<unknown> = Promise.resolve();

  /**
   * Looks through what an earlier process left. `last`: the database's latest flush. A tail that was torn off by a crash
   * is cut: it was never said to be kept. Damage before it is named, and what stands behind it is used.
   */
  static async open(options: JournalOptions, last: FlushMark | null): Promise<Journal> {
    const journal = new Journal(options, last);
    await journal.#exclusively(() => journal.#open());
    return journal;
  }

  private constructor(options: JournalOptions, last: FlushMark | null) {
    this.#options = options;
    this.#last = last;
  }

  figures(): JournalFigures {
    return {
      ...this.#waiting,
      bytes: this.#bytes,
      maxBytes: this.#options.maxBytes,
      place: this.#options.files.place,
      setAside: this.#aside,
    };
  }

  /** False: it is full, and the batch is not kept. @throws what the files throw; then it is not kept either */
  async append(batch: Batch, since: FlushMark | null): Promise<boolean> {
    const content = await encodeEntry(batch, since, this.#options.scheduler);
    return await this.#exclusively(async () => {
      const bytes = frame(content);
      if (this.#bytes + bytes.length > this.#options.maxBytes) return false;
      await this.#write(bytes);
      this.#count(1, batch.rows.length, batch.records.length);
      return true;
    });
  }

  /** The oldest entry that waits; null if none does. It stays until `drained`. */
  async next(): Promise<JournalEntry | null> {
    return await this.#exclusively(async () => {
      for (;;) {
        const piece = await this.#front();
        if (piece === null) return null;
        const entry = this.#decoded(piece);
        if (entry === null) {
          this.#passDamage(piece);
          continue;
        }
        if (!this.#isThrough(entry.batch.mark)) return entry;
        await this.#passEntry(piece, entry);
      }
    });
  }

  /** The database has the flush of this mark, and those of this writer before it. */
  async drained(mark: FlushMark): Promise<void> {
    this.#last = mark;
    // Goes on to the next entry that waits, and removes what is through on the way.
    if (this.#segments.length > 0) await this.next();
  }

  /** Whether the entry was kept for the database as it is now, and nobody else has written since. */
  belongs({ batch, after }: JournalEntry): boolean {
    return batch.mark.writer === this.#last?.writer || sameMark(after, this.#last);
  }

  /** All that waits is for another database: it is kept under other names, for people. */
  async setAside(): Promise<void> {
    await this.#exclusively(async () => {
      const { files } = this.#options;
      for (const { name } of this.#segments) await this.#rename(name, `${name}.foreign`);
      await files.syncFolder();
      this.#segments = [];
      this.#waiting = { flushes: 0, rows: 0, records: 0 };
      this.#sealed = true;
      this.#read = null;
    });
  }

  async close(): Promise<void> {
    await this.#exclusively(() => this.#options.files.close());
  }

  get #bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0);
  }

  async #open(): Promise<void> {
    const { files, telemetry } = this.#options;
    const names = await files.list();
    this.#aside = names.filter((name) => ASIDE.test(name)).sort();
    const numbered = names.flatMap((name) => {
      const index = NAME.exec(name)?.[1];
      return index === undefined ? [] : [{ name, index: Number(index) }];
    });
    numbered.sort((a, b) => a.index - b.index);
    for (const [i, { name, index }] of numbered.entries()) {
      const size = await files.size(name);
      const bytes = await files.read(name, 0, size);
      const segment: Segment = { name, size, damaged: false };
      this.#nextIndex = index + 1;
      for (let piece = pieceAt(bytes, 0); piece !== null; piece = pieceAt(bytes, piece.to)) {
        const holds = piece.content === null ? null : sizeOfEntry(piece.content);
        if (holds !== null) {
          this.#count(1, holds.rows, holds.records);
        } else if (piece.to === size && i === numbered.length - 1) {
          telemetry.log('warn', 'The journal ends in the middle of an entry, as after a crash; that end is cut', {
            file: name,
            bytes: piece.to - piece.from,
          });
          await files.truncate(name, piece.from);
          segment.size = piece.from;
        } else {
          this.#damaged(segment, piece);
        }
        // Looking through many entries must not keep others waiting.
        await this.#options.scheduler.yield();
      }
      this.#segments.push(segment);
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const { files } = this.#options;
    let segment = this.#segments.at(-1);
    const fresh = this.#sealed || segment === undefined || segment.size + bytes.length > SEGMENT_BYTES;
    if (fresh || segment === undefined) {
      segment = { name: `journal-${String(this.#nextIndex).padStart(6, '0')}.log`, size: 0, damaged: false };
      this.#nextIndex += 1;
    }
    try {
      await files.append(segment.name, bytes);
      await files.sync(segment.name);
      if (fresh) await files.syncFolder();
    } catch (error) {
      await this.#undo(segment, fresh);
      throw error;
    }
    segment.size += bytes.length;
    if (fresh) this.#segments.push(segment);
    this.#sealed = false;
  }

  /** A write that failed may have left anything behind the last good byte. */
  async #undo(segment: Segment, fresh: boolean): Promise<void> {
    const { files } = this.#options;
    this.#sealed = true;
    try {
      if (fresh) await files.remove(segment.name);
      else await files.truncate(segment.name, segment.size);
    } catch (error) {
      // At worst the entry is found again at the next start; its mark tells whether the database has it.
      this.#options.telemetry.log('debug', 'What a failed write left in the journal stays there', {
        file: segment.name,
        message: messageOf(error),
      });
    }
  }

  /** The piece that is next in line; null when there is none. Files that are through are removed. */
  async #front(): Promise<Piece | null> {
    for (;;) {
      const [segment] = this.#segments;
      if (segment === undefined) return null;
      if (this.#at >= segment.size) {
        await this.#finish(segment);
        continue;
      }
      let read = this.#read;
      if (read === null || read.name !== segment.name || this.#at >= read.from + read.bytes.length) {
        const bytes = await this.#options.files.read(segment.name, this.#at, segment.size - this.#at);
        read = { name: segment.name, from: this.#at, bytes };
        this.#read = read;
      }
      const piece = pieceAt(read.bytes, this.#at - read.from);
      if (piece !== null) return { ...piece, from: piece.from + read.from, to: piece.to + read.from };
      // Shorter than it was written: nothing more can be had of it.
      segment.damaged = true;
      this.#at = segment.size;
    }
  }

  #decoded(piece: Piece): JournalEntry | null {
    if (piece.content === null) return null;
    try {
      return decodeEntry(piece.content, this.#options.writer);
    } catch (error) {
      this.#options.telemetry.log('error', 'An entry of the journal is not understood', { message: messageOf(error) });
      return null;
    }
  }

  #isThrough(mark: FlushMark): boolean {
    return this.#last !== null && mark.writer === this.#last.writer && mark.number <= this.#last.number;
  }

  async #passEntry(piece: Piece, { batch }: JournalEntry): Promise<void> {
    this.#count(-1, -batch.rows.length, -batch.records.length);
    this.#at = piece.to;
    const [segment] = this.#segments;
    if (segment !== undefined && this.#at >= segment.size) await this.#finish(segment);
  }

  #passDamage(piece: Piece): void {
    const [segment] = this.#segments;
    const held = piece.content === null ? null : sizeOfEntry(piece.content);
    if (held !== null) this.#count(-1, -held.rows, -held.records);
    if (segment !== undefined && !segment.damaged) this.#damaged(segment, piece);
    this.#at = piece.to;
  }

  #damaged(segment: Segment, piece: Piece): void {
    segment.damaged = true;
    this.#options.telemetry.log('error', 'A part of the journal cannot be read; it is set aside and the rest is used', {
      file: segment.name,
      from: piece.from,
      bytes: piece.to - piece.from,
    });
  }

  /** All of the first file is in the database. */
  async #finish(segment: Segment): Promise<void> {
    const { files, telemetry } = this.#options;
    this.#segments.shift();
    this.#at = 0;
    this.#read = null;
    if (this.#segments.length === 0) this.#sealed = true;
    try {
      this.#options.telemetry.gauge('vurti_journal_bytes', this.#bytes);
      if (segment.damaged) await this.#rename(segment.name, `${segment.name}.damaged`);
      else await files.remove(segment.name);
      await files.syncFolder();
    } catch (error) {
      // The next start finds it, and sees by the marks that the database has it or that it is of another time.
      const fields = { file: segment.name, message: messageOf(error) };
      telemetry.log('error', 'A file of the journal that is through could not be removed', fields);
    }
  }

  async #rename(from: string, to: string): Promise<void> {
    await this.#options.files.rename(from, to);
    this.#aside = [...this.#aside, to];
  }

  #count(flushes: number, rows: number, records: number): void {
    const { flushes: f, rows: r, records: n } = this.#waiting;
    this.#waiting = { flushes: f + flushes, rows: r + rows, records: n + records };
    this.#options.telemetry.gauge('vurti_journal_flushes', this.#waiting.flushes);
    this.#options.telemetry.gauge('vurti_journal_bytes', this.#bytes);
  }

  /** One at a time: what appends and what drains meet in the same file. */
  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let end: () => void = () => undefined;
    this.#turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    await before;
    try {
      return await work();
    } finally {
      end();
    }
  }
}
