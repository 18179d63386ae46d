/** Values of several histories, side by side: bytes, as percentages mostly are, until one is something else. */
class Shared {
  histories: readonly UsageHistory[] = [];
  values: Uint8Array | Float64Array = new Uint8Array(0);
  /** So many of each. */
  limit = 0;

  /** Keeps the latest values of each. */
  resize(limit: number): void {
    const kept = this.histories.map((history) => history.values().slice(-limit));
    const length = limit * this.histories.length;
    this.values = this.values instanceof Uint8Array ? new Uint8Array(length) : new Float64Array(length);
    this.limit = limit;
    for (const [i, values] of kept.entries()) {
      this.values.set(values, i * limit);
      this.histories[i]?.hold(values.length);
    }
  }

  put(at: number, value: number): void {
    const isByte = (value & 0xff) === value;
    if (!isByte && this.values instanceof Uint8Array) this.values = Float64Array.from(this.values);
    this.values[at] = value;
  }
}

/** The latest values of one figure. A ring: taking one in copies nothing. */
export class UsageHistory {
  readonly #shared: Shared;
  /** Its number among those that share. */
  readonly #index: number;
  /** Where the oldest value stands. */
  #first = 0;
  #size = 0;

  constructor(shared: Shared = new Shared(), index = 0) {
    this.#shared = shared;
    this.#index = index;
    if (index === 0) shared.histories = [this];
  }

  static of(values: readonly number[]): UsageHistory {
    const history = new UsageHistory();
    for (const value of values) history.add(value, values.length);
    return history;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes a value in and keeps the last `limit` of them. null: not known, nothing changes. */
  add(value: number | null, limit: number): void {
    if (value === null) return;
    const shared = this.#shared;
    if (limit <= 0) return this.clear();
    if (shared.limit !== limit) shared.resize(limit);
    const start = this.#index * limit;
    if (this.#size < limit) shared.put(start + this.#size++, value);
    else {
      shared.put(start + this.#first, value);
      this.#first = (this.#first + 1) % limit;
    }
  }

  /** Oldest first. */
  values(): number[] {
    const { values, limit } = this.#shared;
    const start = this.#index * limit;
    const first = start + this.#first;
    return [...values.subarray(first, start + this.#size), ...values.subarray(start, first)];
  }

  clear(): void {
    this.hold(0);
  }

  /** So many values stand where its own do, the oldest first. */
  hold(size: number): void {
    this.#first = 0;
    this.#size = size;
  }
}

/** Usage of a VM over its last reports, in per cent; in memory only. */
export interface VmHistory {
  readonly cpu: UsageHistory;
  readonly memory: UsageHistory;
  readonly network: UsageHistory;
}

export function vmHistory(): VmHistory {
  const shared = new Shared();
  const cpu = new UsageHistory(shared, 0);
  const memory = new UsageHistory(shared, 1);
  const network = new UsageHistory(shared, 2);
  shared.histories = [cpu, memory, network];
  return { cpu, memory, network };
}
