/** Late starts of the last minutes, for a percentile. Fixed memory: of very many only the newest count. */
export class Lateness {
  readonly #windowMs: number;
  readonly #values: Float64Array;
  readonly #times: Float64Array;
  #next = 0;
  #count = 0;

  constructor(windowMs: number, capacity = 4096) {
    this.#windowMs = windowMs;
    this.#values = new Float64Array(capacity);
    this.#times = new Float64Array(capacity);
  }

  add(valueMs: number, nowMs: number): void {
    this.#values[this.#next] = valueMs;
    this.#times[this.#next] = nowMs;
    this.#next = (this.#next + 1) % this.#values.length;
    this.#count = Math.min(this.#count + 1, this.#values.length);
  }

  /** null: nothing was measured within the window. */
  p99(nowMs: number): number | null {
    const recent = this.#values.slice(0, this.#count).filter((_, i) => nowMs - (this.#times[i] ?? 0) <= this.#windowMs);
    return recent.sort()[Math.ceil(recent.length * 0.99) - 1] ?? null;
  }
}
