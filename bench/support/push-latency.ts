import type { ChangeRecord, Monitor } from '../../src/index.js';

/** µs from the agent's writing to its socket to the reader, one per push. */
export interface PushLatencies {
  readonly changes: readonly number[];
  readonly records: readonly number[];
}

/** The user who logs on is the time of it: every process of a machine has the same monotonic clock. */
export const stampedUser = (): string => `at-${nowMicros()}`;
const STAMPED = /^at-(\d+)$/;

const nowMicros = (): number => Number(process.hrtime.bigint() / 1000n);

/** Listens on changes$ and on the committed log. */
export class PushLatency {
  readonly #changes: number[] = [];
  readonly #records: number[] = [];
  readonly #subscription: { unsubscribe(): void };
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;

  constructor(monitor: Monitor) {
    this.#subscription = monitor.changes$.subscribe((change) => {
      if ('changes' in change) this.#note(this.#changes, change.changes);
    });
    this.#reading = this.#read(monitor).catch((error: unknown) => {
      if (!this.#stop.signal.aborted) throw error;
    });
  }

  async end(): Promise<PushLatencies> {
    this.#subscription.unsubscribe();
    this.#stop.abort();
    await this.#reading;
    return { changes: this.#changes, records: this.#records };
  }

  async #read(monitor: Monitor): Promise<void> {
    const { signal } = this.#stop;
    for await (const record of monitor.log.read({ after: monitor.log.head(), signal })) {
      if (record.kind === 'change') this.#note(this.#records, record.changes);
    }
  }

  #note(into: number[], changes: ChangeRecord['changes']): void {
    for (const { to } of changes) {
      const sent = typeof to === 'string' ? STAMPED.exec(to)?.[1] : undefined;
      if (sent !== undefined) into.push(nowMicros() - Number(sent));
    }
  }
}
