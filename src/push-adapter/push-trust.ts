/** Clean polls in a row that one step up needs at first, … */
const FEWEST_CLEAN = 4;
/** … and at most, after many gaps. */
const MOST_CLEAN = 64;

/**
 * How far a host's pushes are believed, as the multiple at which it is polled (docs/adr/0009).
 *
 * Each poll that shows nothing that was not pushed is *clean*. Enough of them in a row double the multiple, up to the longest
 * interval allowed. One gap makes it 1, and doubles the number of clean polls that a step needs; at the top that number
 * halves again. A lost connection makes it 1 as well, but says nothing against the agent.
 */
export class PushTrust {
  #multiple = 1;
  #clean = 0;
  #needed = FEWEST_CLEAN;

  get multiple(): number {
    return this.#multiple;
  }

  /** `most`: what the host's settings allow now. */
  clean(most: number): void {
    this.#multiple = Math.min(this.#multiple, most);
    this.#clean += 1;
    if (this.#clean < this.#needed) return;
    this.#clean = 0;
    if (this.#multiple >= most) this.#needed = Math.max(FEWEST_CLEAN, this.#needed / 2);
    else this.#multiple = Math.min(this.#multiple * 2, most);
  }

  gap(): void {
    this.interrupted();
    this.#needed = Math.min(MOST_CLEAN, this.#needed * 2);
  }

  interrupted(): void {
    this.#multiple = 1;
    this.#clean = 0;
  }
}
