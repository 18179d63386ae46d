import { Observable, Subject } from 'rxjs';
import type { Change } from './changes.js';
import type { Evidence } from './evidence.js';
import type { AgentRequest } from './requests.js';

/**
 * The three streams between the rooms. They are hot and synchronous: `publish` returns when all subscribers have seen
 * the value. A subscriber that throws does not disturb the publisher or other subscribers; RxJS reports its error as an
 * uncaught exception (rxjs `config.onUnhandledError`).
 */
export interface Streams {
  readonly evidence: Channel<Evidence>;
  readonly requests: Channel<AgentRequest>;
  readonly changes: Channel<Change>;
}

export class Channel<T> {
  readonly #subject = new Subject<T>();
  /** To subscribe to; never errors, completes at the monitor's stop. */
  readonly stream$: Observable<T>;
  #observers = 0;

  constructor() {
    this.stream$ = new Observable<T>((subscriber) => {
      this.#observers += 1;
      subscriber.add(() => {
        this.#observers -= 1;
      });
      return this.#subject.subscribe(subscriber);
    });
  }

  publish(value: T): void {
    this.#subject.next(value);
  }

  complete(): void {
    this.#subject.complete();
  }

  /** Subscriptions now; a test proves that there is none per host. */
  get observers(): number {
    return this.#observers;
  }
}
