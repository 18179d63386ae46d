import type { Cursor, LogBounds, LogPeek, LogReader, LogRecord, StateLoader } from '../../events/index.js';
import type { Row, RowKind } from '../../model/index.js';
import { boundsOf, checkCursor } from '../log-window.js';
import type { MemoryContent } from './memory-content.js';

export class MemoryLogReader implements LogReader {
  readonly #content: MemoryContent;

  constructor(content: MemoryContent) {
    this.#content = content;
  }

  async read(after: Cursor, limit: number): Promise<readonly LogRecord[]> {
    const content = this.#content;
    checkCursor(after, content.window, { at: content.epochOf(after.seq), after: content.epochOf(after.seq + 1) });
    return content.records(after.seq + 1, Math.min(after.seq + limit, content.window.head));
  }

  async readBackwards(before: Cursor | null, limit: number): Promise<readonly LogRecord[]> {
    const { window } = this.#content;
    if (before !== null) checkCursor(before, { ...window, removed: 0 }, { at: null, after: null });
    const newest = before === null ? window.head : before.seq - 1;
    return this.#content.records(newest - limit + 1, newest).toReversed();
  }

  async bounds(): Promise<LogBounds> {
    const { window } = this.#content;
    return boundsOf(window, this.#content.epochOf(window.removed + 1));
  }

  async peek(seq: number): Promise<LogPeek | null> {
    const record = this.#content.record(seq);
    const epoch = this.#content.epochOf(seq);
    return record === undefined || epoch === null ? null : { epoch, time: record.time };
  }
}

const CHUNK = 2000;

export class MemoryStateLoader implements StateLoader {
  readonly #content: MemoryContent;

  constructor(content: MemoryContent) {
    this.#content = content;
  }

  async *load<K extends RowKind>(kind: K): AsyncGenerator<readonly Row<K>[]> {
    const rows = this.#content.rows(kind) as Row<K>[];
    for (let i = 0; i < rows.length; i += CHUNK) yield rows.slice(i, i + CHUNK);
  }
}
