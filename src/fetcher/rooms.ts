/** Smaller bodies are not worth the trouble. */
const SMALL = 8192;
const MOST_SPARE = 2;

/**
 * Places for bodies, used again and again: one of 100 KB and more for every answer would cost more than reading it, since
 * each counts as garbage until the collector runs.
 */
export class Rooms {
  readonly #spare: ArrayBufferLike[] = [];

  take(bytes: number): Buffer {
    const index = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes + SMALL);
    const [known] = index < 0 ? [] : this.#spare.splice(index, 1);
    // Answers differ by some bytes each time.
    return Buffer.from(known ?? new ArrayBuffer(bytes + (bytes >> 3) + SMALL / 4), 0, bytes);
  }

  giveBack({ buffer, byteOffset, length }: Buffer): void {
    // What shares its memory with something else is not ours to write to.
    if (byteOffset !== 0 || buffer.byteLength > 2 * length + SMALL || length < SMALL) return;
    if (this.#spare.length < MOST_SPARE && !this.#spare.includes(buffer)) this.#spare.push(buffer);
  }
}
