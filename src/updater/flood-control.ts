import { catalogue, type EventRecord } from '../events/index.js';

/** Events whose hold-back time can be looked at again at a time; beyond it the oldest is let go. */
const MAX_KEYS = 100_000;

/** Holds back the same event of the same entity for its flood time (monitoring-rules.md §5). */
export class FloodControl {
  readonly #until = new Map<string, number>();

  /** Whether the event may be logged now. */
  admits(event: EventRecord): boolean {
    const floodMs = catalogue[event.name].floodSeconds * 1000;
    if (floodMs === 0) return true;
    const key = `${event.name}|${event.clusterId ?? ''}|${event.hostId ?? ''}|${event.vmId ?? ''}|${event.customId ?? ''}`;
    const until = this.#until.get(key);
    if (until !== undefined && event.time < until) return false;
    this.#until.delete(key);
    this.#until.set(key, event.time + floodMs);
    if (this.#until.size > MAX_KEYS) this.#forgetOldest(event.time);
    return true;
  }

  #forgetOldest(now: number): void {
    for (const [key, until] of this.#until) {
      if (until > now && this.#until.size <= MAX_KEYS) return;
      this.#until.delete(key);
    }
  }
}
