import { Observable, type Subscription } from 'rxjs';
import type { Intent, Streams } from '../../events/index.js';
import type { IntentBook } from '../../updater/index.js';

/** Advice that waits for somebody. */
export interface IntentsApi {
  /** Given, committed, and neither acknowledged nor withdrawn; oldest first. */
  pending(): readonly Intent[];
  /**
   * It is done, or shall not be done: it is not delivered any more, also not after a restart. False when nothing of this
   * key waits (any more), which is no error: who delivers at least once hears "done" more than once.
   */
  acknowledge(key: string): boolean;
}

/** The library's door to the advice that holds. */
export class Intents implements IntentsApi {
  /** What waits now, then what comes. */
  readonly all$: Observable<Intent>;
  readonly #book: IntentBook;
  readonly #streams: Streams;
  #subscription: Subscription | undefined;

  constructor(book: IntentBook, streams: Streams) {
    this.#book = book;
    this.#streams = streams;
    this.all$ = new Observable((subscriber) => {
      for (const intent of book.pending()) subscriber.next(intent);
      return book.delivered$.subscribe(subscriber);
    });
  }

  /** From here on reports say what is still there to be destroyed. */
  start(): void {
    this.#subscription = this.#streams.evidence.stream$.subscribe((evidence) => {
      if (evidence.name === 'VmStatsReceived' && evidence.stamp.complete) {
        this.#book.reported(evidence.host, evidence.report);
      }
    });
    this.#book.redeliver();
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#book.stop();
  }

  pending(): readonly Intent[] {
    return this.#book.pending();
  }

  acknowledge(key: string): boolean {
    return this.#book.acknowledge(key);
  }
}
