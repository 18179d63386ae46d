/** The latest values of one figure. A ring: taking one in copies nothing. */
export class UsageHistory {
  #ring: number[] = [];
  /** Where the oldest value stands. */
  #first = 0;

  static of(values: readonly number[]): UsageHistory {
    const history = new UsageHistory();
    history.#ring = [...values];
    return history;
  }

  get size(): number {
    return this.#ring.length;
  }

  /** Takes a value in and keeps the last `limit` of them. null: not known, nothing changes. */
  add(value: number | null, limit: number): void {
    if (value === null) return;
    if (limit <= 0) {
      this.clear();
    } else if (this.#ring.length === limit) {
      this.#ring[this.#first] = value;
      this.#first = (this.#first + 1) % limit;
    } else if (this.#ring.length < limit && this.#first === 0) {
      this.#ring.push(value);
    } else {
      // The limit is another one than before.
      this.#ring = [...this.values().slice(limit > 1 ? 1 - limit : this.#ring.length), value];
      this.#first = 0;
    }
  }

  /** Oldest first. */
  values(): number[] {
    return [...this.#ring.slice(this.#first), ...this.#ring.slice(0, this.#first)];
  }

  clear(): void {
    this.#ring = [];
    this.#first = 0;
  }
}

/** Usage of a VM over its last reports, in per cent; in memory only. */
export interface VmHistory {
  readonly cpu: UsageHistory;
  readonly memory: UsageHistory;
  readonly network: UsageHistory;
}
