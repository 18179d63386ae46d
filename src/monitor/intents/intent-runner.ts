import type { Subscription } from 'rxjs';
import type { Intent, Streams } from '../../events/index.js';
import { messageOf, type Telemetry } from '../../kernel/index.js';
import type { IntentBook } from '../../updater/index.js';
import type { IntentHandler } from './intent-handler.js';

export interface IntentRunnerOptions {
  /** In this order, until one has done it. */
  readonly handlers: readonly IntentHandler[];
  readonly book: IntentBook;
  readonly streams: Streams;
  readonly telemetry: Telemetry;
}

/** Advice that is being followed at a time. */
const MOST = 8;

/**
 * Hands advice to the handlers, at least once, until one of them has done it. What fails is tried again with the next
 * report of its host, so that a dead host is not asked for ever and a living one not in vain.
 */
export class IntentRunner {
  readonly #o: IntentRunnerOptions;
  readonly #waiting: Intent[] = [];
  readonly #running = new Map<string, Promise<void>>();
  /** By host; what it is about and when to try it again. */
  readonly #failed = new Map<string, Intent[]>();
  readonly #abort = new AbortController();
  #subscription: Subscription | undefined;

  constructor(options: IntentRunnerOptions) {
    this.#o = options;
  }

  start(): void {
    const { book, streams } = this.#o;
    this.#subscription = book.delivered$.subscribe((intent) => this.#take(intent));
    this.#subscription.add(
      streams.evidence.stream$.subscribe((evidence) => {
        if (evidence.name === 'VmStatsReceived' && this.#failed.size > 0) this.#again(evidence.host);
      }),
    );
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
    this.#waiting.length = 0;
    this.#abort.abort();
    await Promise.all(this.#running.values());
  }

  #take(intent: Intent): void {
    this.#waiting.push(intent);
    this.#next();
  }

  #again(host: string): void {
    const intents = this.#failed.get(host);
    if (intents === undefined) return;
    this.#failed.delete(host);
    this.#waiting.push(...intents);
    this.#next();
  }

  #next(): void {
    while (this.#running.size < MOST) {
      const intent = this.#waiting.shift();
      if (intent === undefined) return;
      // It may have been withdrawn or acknowledged meanwhile: then nobody may act on it any more.
      if (this.#running.has(intent.key) || !this.#o.book.isPending(intent.key)) continue;
      this.#running.set(intent.key, this.#run(intent));
    }
  }

  async #run(intent: Intent): Promise<void> {
    const { handlers, book, telemetry } = this.#o;
    try {
      for (const handler of handlers) {
        if (!(await handler.handle(intent, this.#abort.signal))) continue;
        book.acknowledge(intent.key);
        telemetry.count('vurti_intents_done_total', 1, { intent: intent.intent });
        break;
      }
    } catch (error) {
      this.#failedOnce(intent, error);
    } finally {
      this.#running.delete(intent.key);
      if (!this.#abort.signal.aborted) this.#next();
    }
  }

  #failedOnce(intent: Intent, error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const { telemetry } = this.#o;
    const { intent: kind, key, vmId, hostId } = intent;
    telemetry.count('vurti_intents_failed_total', 1, { intent: kind });
    telemetry.log('warn', 'Advice could not be followed; it is tried again at the next report of its host', {
      ...{ intent: kind, key, vm: vmId, host: hostId, error: messageOf(error) },
    });
    const host = hostId ?? '';
    this.#failed.set(host, [...(this.#failed.get(host) ?? []), intent]);
  }
}
