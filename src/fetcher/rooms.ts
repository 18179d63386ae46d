/** Smaller bodies are not worth the trouble. */
const LEAST = 1024;
/** So many bytes more than a body needs do not matter. */
const SMALL = 8192;
/** Bodies arrive from few hosts at a time, whatever the number of hosts. */
const MOST_SPARE = 24;
const MOST_SPARE_BYTES = 32 * 1_048_576;

/**
 * Places for bodies, used again and again: one of 100 KB and more for every answer would cost more than reading it, since
 * each counts as garbage until the collector runs. One for all hosts: spare ones for each would be most of what the
 * process holds.
 */
export class Rooms {
  /** The one given back last is the one that is still in the processor's cache. */
  readonly #spare: ArrayBufferLike[] = [];
  #bytes = 0;

  take(bytes: number): Buffer {
    const index = this.#spare.findLastIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes + SMALL);
    // Answers differ by some bytes each time.
    if (index < 0) return Buffer.from(new ArrayBuffer(bytes + (bytes >> 3) + SMALL / 4), 0, bytes);
    const [known] = this.#spare.splice(index, 1) as [ArrayBufferLike];
    this.#bytes -= known.byteLength;
    return Buffer.from(known, 0, bytes);
  }

  giveBack({ buffer, byteOffset, length }: Buffer): void {
    // What shares its memory with something else is not ours to write to.
    if (byteOffset !== 0 || buffer.byteLength > 2 * length + SMALL || length < LEAST) return;
    if (this.#spare.includes(buffer)) return;
    this.#spare.push(buffer);
    this.#bytes += buffer.byteLength;
    // The oldest ones may be of sizes that nobody asks for any more.
    while (this.#spare.length > MOST_SPARE || this.#bytes > MOST_SPARE_BYTES) {
      this.#bytes -= this.#spare.shift()?.byteLength ?? 0;
    }
  }
}
