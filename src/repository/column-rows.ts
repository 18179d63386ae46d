import type { Place } from '../model/index.js';

/** Rows of one array: large enough that the arrays do not count, small enough to be had without a pause. */
const ROWS = 1024;

/** Rows of equal width in shared arrays. What is given back is given out again; arrays are kept. */
export class ColumnRows {
  readonly #width: number;
  readonly #free: Place[] = [];
  #current = new Float64Array(0);
  #used = 0;

  constructor(width: number) {
    this.#width = width;
  }

  /** Holds NaN. */
  take(): Place {
    const place = this.#free.pop() ?? this.#next();
    place.at.fill(Number.NaN, place.first, place.first + this.#width);
    return place;
  }

  release({ at, first }: Place): void {
    this.#free.push({ at, first });
  }

  #next(): Place {
    if (this.#used === this.#current.length) {
      this.#current = new Float64Array(ROWS * this.#width);
      this.#used = 0;
    }
    const first = this.#used;
    this.#used += this.#width;
    return { at: this.#current, first };
  }
}
