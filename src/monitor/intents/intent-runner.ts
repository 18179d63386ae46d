import type { Subscription } from 'rxjs';
import type { Evidence, Intent, Streams } from '../../events/index.js';
import { messageOf, type Telemetry } from '../../kernel/index.js';
import type { IntentBook } from '../../updater/index.js';
import type { IntentHandler } from './intent-handler.js';

export interface IntentRunnerOptions {
  /** In this order, until one has done it. */
  readonly handlers: readonly IntentHandler[];
  readonly book: IntentBook;
  readonly streams: Streams;
  /** Resolves when all evidence that came so far is applied: then advice whose ground it took away is withdrawn. */
  readonly whenApplied: () => Promise<void>;
  /** Every host was heard, or had its chance. */
  readonly isSynced: () => boolean;
  readonly telemetry: Telemetry;
}

/** Advice that is being followed at a time. */
const MOST = 8;
/** Advice that is about no host. */
const ANYWHERE = '';

/**
 * Hands advice to the handlers, at least once, until one of them has done it. What fails is tried again when its host is
 * heard of next, so that a dead host is not asked for ever and a living one not in vain; and what is left over from before
 * the start is not followed before the hosts were looked at again: by now the VM may run.
 */
export class IntentRunner {
  readonly #o: IntentRunnerOptions;
  readonly #waiting: Intent[] = [];
  readonly #running = new Map<string, Promise<void>>();
  /** To be tried when something is heard of this host. */
  readonly #later = new Map<string, Intent[]>();
  readonly #abort = new AbortController();
  #subscription: Subscription | undefined;

  constructor(options: IntentRunnerOptions) {
    this.#o = options;
  }

  start(): void {
    const { book, streams, handlers } = this.#o;
    if (handlers.length === 0) return;
    this.#subscription = book.delivered$.subscribe((intent) => {
      if (intent.cursor === null) this.#tryLater(intent);
      else this.#try([intent]);
    });
    this.#subscription.add(streams.evidence.stream$.subscribe((evidence) => this.#heard(evidence)));
  }

  async stop(): Promise<void> {
    this.#subscription?.unsubscribe();
    this.#waiting.length = 0;
    this.#later.clear();
    this.#abort.abort();
    await Promise.all(this.#running.values());
  }

  #tryLater(intent: Intent): void {
    const host = intent.hostId ?? ANYWHERE;
    this.#later.set(host, [...(this.#later.get(host) ?? []), intent]);
  }

  /** A report, or a further failure: for advice about a silent host that is all there is to hear. */
  #heard(evidence: Evidence): void {
    if (this.#later.size === 0) return;
    if (evidence.name !== 'VmStatsReceived' && evidence.name !== 'VdsUnreachable') return;
    const due: Intent[] = [];
    for (const host of [evidence.host, ANYWHERE]) {
      const left = (this.#later.get(host) ?? []).filter((intent) => {
        const isDue = this.#isDue(intent, evidence);
        if (isDue) due.push(intent);
        return !isDue;
      });
      if (left.length > 0) this.#later.set(host, left);
      else this.#later.delete(host);
    }
    if (due.length === 0) return;
    // The rest of the report comes right after this piece of it, and may say that the VM lives.
    Promise.resolve()
      .then(() => this.#o.whenApplied())
      .then(() => this.#try(due))
      .catch((error: unknown) => this.#o.telemetry.log('error', 'advice stopped', { error: messageOf(error) }));
  }

  #isDue(intent: Intent, evidence: Evidence): boolean {
    if (intent.cursor === null && !this.#o.isSynced()) return false;
    return evidence.name === 'VmStatsReceived' || intent.intent !== 'destroy';
  }

  #try(intents: readonly Intent[]): void {
    if (this.#abort.signal.aborted) return;
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
      this.#failed(intent, error);
    } finally {
      this.#running.delete(intent.key);
      if (!this.#abort.signal.aborted) this.#next();
    }
  }

  #failed(intent: Intent, error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const { telemetry } = this.#o;
    const { intent: kind, key, vmId, hostId } = intent;
    telemetry.count('vurti_intents_failed_total', 1, { intent: kind });
    telemetry.log('warn', 'Advice could not be followed; it is tried again when its host is heard of', {
      ...{ intent: kind, key, vm: vmId, host: hostId, error: messageOf(error) },
    });
    this.#tryLater(intent);
  }
}
