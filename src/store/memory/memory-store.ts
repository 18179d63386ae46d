import type { Bookmarks, Committer, LogReader, LogRetention, StateLoader } from '../../events/index.js';
import {
  type Clock,
  type Random,
  type Scheduler,
  SeededRandom,
  silentTelemetry,
  type Telemetry,
  VurtiError,
} from '../../kernel/index.js';
import type { RowWrite } from '../../model/index.js';
import { BatchingCommitter, type CommitterTuning } from '../batching-committer.js';
import { epochAt } from '../epoch.js';
import type { LogStore, StatementListener } from '../store.js';
import { MemoryContent } from './memory-content.js';
import { MemoryLogReader, MemoryStateLoader } from './memory-readers.js';
import { MemoryTarget } from './memory-target.js';

export interface MemoryStoreOptions extends CommitterTuning {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random?: Random;
  readonly telemetry?: Telemetry;
  /** Goes on with the content of this store, as after a restart. If that one was not closed, it is fenced. */
  readonly previous?: MemoryStore;
  /** The log keeps this many records. Default 100,000. */
  readonly maxRecords?: number;
  readonly onFenced?: (error: VurtiError) => void;
  readonly onStatement?: StatementListener;
  /** For tests: why the "database" refuses a row, null if it does not. */
  readonly refuse?: (write: RowWrite) => string | null;
}

/**
 * The store without a database: for the library's default, for tests, the simulator and replay. Same ports, same
 * semantics; all is lost with the process. Under VirtualTime it behaves the same in every run.
 */
export class MemoryStore implements LogStore {
  readonly kind = 'memory';
  readonly committer: Committer;
  readonly logReader: LogReader;
  readonly stateLoader: StateLoader;
  readonly bookmarks: Bookmarks;
  readonly #content: MemoryContent;
  readonly #target: MemoryTarget;

  constructor(options: MemoryStoreOptions) {
    const content = options.previous === undefined ? new MemoryContent() : options.previous.#content;
    const writer = content.claim(this, epochAt(options.clock.now()));
    this.#content = content;
    this.#target = new MemoryTarget({
      content,
      writer: this,
      maxRecords: options.maxRecords ?? 100_000,
      refuse: options.refuse,
      onStatement: options.onStatement,
    });
    this.committer = new BatchingCommitter({
      lingerMs: 0,
      ...options,
      target: this.#target,
      writer,
      random: options.random ?? new SeededRandom(1),
      telemetry: options.telemetry ?? silentTelemetry,
    });
    this.logReader = new MemoryLogReader(content);
    this.stateLoader = new MemoryStateLoader(content);
    this.bookmarks = {
      load: async () => new Map(content.bookmarks),
      save: async (name, cursor) => {
        if (this.#target.outage !== null) throw new VurtiError('DATABASE_UNREACHABLE', this.#target.outage);
        content.check(this);
        content.bookmarks.set(name, cursor);
      },
    };
  }

  /** For tests: the "database" fails with this message from now on; null = it works again. */
  setOutage(message: string | null): void {
    this.#target.outage = message;
  }

  async removeRecords(retention: LogRetention): Promise<number> {
    const content = this.#content;
    const { olderThan, keep } = retention;
    let last = content.window.removed;
    if (olderThan !== undefined) {
      for (;;) {
        const next = content.record(last + 1);
        if (next === undefined || next.time >= olderThan) break;
        last += 1;
      }
    }
    if (keep !== undefined) last = Math.max(last, content.window.head - keep);
    const { atMost = Number.POSITIVE_INFINITY } = retention;
    return content.removeUpTo(Math.min(last, content.window.removed + atMost));
  }

  async close(): Promise<void> {
    await this.committer.stop();
    this.#content.letGo(this);
  }
}
