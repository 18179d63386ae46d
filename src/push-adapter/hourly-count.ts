const MINUTE_MS = 60_000;
const MINUTES = 60;

/** How often something happened within the last hour, to the minute. Fixed memory. */
export class HourlyCount {
  readonly #counts = new Array<number>(MINUTES).fill(0);
  readonly #minutes = new Array<number>(MINUTES).fill(-1);

  add(now: number, times: number): void {
    const minute = Math.floor(now / MINUTE_MS);
    const slot = minute % MINUTES;
    if (this.#minutes[slot] !== minute) {
      this.#minutes[slot] = minute;
      this.#counts[slot] = 0;
    }
    this.#counts[slot] = (this.#counts[slot] ?? 0) + times;
  }

  within(now: number): number {
    const oldest = Math.floor(now / MINUTE_MS) - MINUTES;
    return this.#counts.reduce((sum, n, slot) => sum + ((this.#minutes[slot] ?? -1) > oldest ? n : 0), 0);
  }
}
