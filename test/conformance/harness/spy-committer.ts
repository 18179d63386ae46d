import type { ChangeSet, Committer, CommitterState, LogRecordDraft } from '../../../src/events/index.js';
import type { RowWrite, VmColumns } from '../../../src/model/index.js';
import { usageRows } from '../../../src/store/usage-figures.js';

/** Passes everything on to the store's committer and remembers what it was given. */
export class SpyCommitter implements Committer {
  readonly rows: RowWrite[] = [];
  readonly records: LogRecordDraft[] = [];
  readonly #inner: Committer;

  constructor(inner: Committer) {
    this.#inner = inner;
  }

  get committed$() {
    return this.#inner.committed$;
  }

  commit(changes: ChangeSet, show?: () => void): void {
    this.rows.push(...changes.rows);
    this.records.push(...changes.records);
    this.#inner.commit(changes, show);
  }

  usage(vms: readonly VmColumns[]): void {
    this.rows.push(...vms.flatMap(usageRows));
    this.#inner.usage(vms);
  }

  forget(): void {
    this.rows.length = 0;
    this.records.length = 0;
  }

  flushed(): Promise<void> {
    return this.#inner.flushed();
  }

  state(): CommitterState {
    return this.#inner.state();
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }
}
