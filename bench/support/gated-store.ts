import type { ChangeSet, Committer, LogReader, StateLoader, Store } from '../../src/events/index.js';
import type { VmColumns } from '../../src/model/index.js';
import type { LogStore } from '../../src/store/index.js';

/**
 * A store between a monitor on a virtual clock and a real one: change sets wait at a gate and go through together when it
 * is opened. So it does not depend on chance which of them share a flush, and the virtual clock never waits for a database.
 */
export class GatedStore implements Store {
  readonly kind: Store['kind'];
  readonly logReader: LogReader;
  readonly stateLoader: StateLoader;
  readonly committer: Committer;
  readonly #inner: LogStore;
  readonly #waiting: (ChangeSet | readonly VmColumns[])[] = [];
  /** Change sets given so far. */
  given = 0;

  constructor(inner: LogStore) {
    this.#inner = inner;
    this.kind = inner.kind;
    this.logReader = inner.logReader;
    this.stateLoader = inner.stateLoader;
    this.committer = {
      commit: (changes, show) => {
        if (changes.rows.length > 0 || changes.records.length > 0) {
          this.given += 1;
          this.#waiting.push(changes);
        }
        show?.();
      },
      usage: (vms) => {
        this.given += 1;
        this.#waiting.push(vms);
      },
      flushed: () => Promise.resolve(),
      committed$: inner.committer.committed$,
      state: () => inner.committer.state(),
      stop: () => Promise.resolve(),
    };
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Lets all that waits through. */
  async open(): Promise<void> {
    for (const given of this.#waiting.splice(0)) {
      if ('rows' in given) this.#inner.committer.commit(given);
      else this.#inner.committer.usage(given);
    }
    await this.#inner.committer.flushed();
  }

  /** The monitor has stopped; the store behind the gate is its owner's to close. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
