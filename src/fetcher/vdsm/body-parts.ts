/** Pieces are copied into blocks of this size: each Buffer costs some 100 bytes, and an agent may send byte by byte. */
const BLOCK = 16_384;
/**
 * Announced bodies up to this size get their place before they arrive; longer ones when they are whole, so that an
 * announcement costs nothing.
 */
const LONGEST_EARLY = 1_048_576;

/** A body that arrives in pieces. Nothing that it is given is kept. */
export class BodyParts {
  readonly #room: (bytes: number) => Buffer;
  /** Where the whole body will be; null: not known yet. */
  #place: Buffer | null = null;
  #blocks: Buffer[] = [];
  #block: Buffer | null = null;
  #used = 0;
  #size = 0;

  /** `room`: where a body is put together. */
  constructor(room: (bytes: number) => Buffer) {
    this.#room = room;
  }

  get size(): number {
    return this.#size;
  }

  /** Where the rest of an announced body may be read to; null: nowhere. Tell of it by `filled`. */
  get rest(): Buffer | null {
    return this.#place === null ? null : this.#place.subarray(this.#size);
  }

  /** `announced`: bytes of the whole body. */
  begin(announced: number): void {
    if (announced <= LONGEST_EARLY) this.#place = this.#room(announced);
  }

  filled(bytes: number): void {
    this.#size += bytes;
  }

  add(piece: Buffer): void {
    if (this.#place === null) this.#addToBlocks(piece);
    else piece.copy(this.#place, this.#size);
    this.#size += piece.length;
  }

  /** The whole body; begins anew. */
  take(): Buffer {
    const body = this.#place ?? this.#together();
    this.clear();
    return body;
  }

  clear(): void {
    this.#place = null;
    this.#blocks = [];
    this.#block = null;
    this.#used = 0;
    this.#size = 0;
  }

  #addToBlocks(piece: Buffer): void {
    for (let at = 0; at < piece.length; ) {
      if (this.#block === null || this.#used === BLOCK) {
        this.#block = Buffer.allocUnsafeSlow(BLOCK);
        this.#blocks.push(this.#block);
        this.#used = 0;
      }
      const taken = piece.copy(this.#block, this.#used, at);
      this.#used += taken;
      at += taken;
    }
  }

  #together(): Buffer {
    const body = this.#room(this.#size);
    let at = 0;
    for (const block of this.#blocks) at += block.copy(body, at, 0, Math.min(BLOCK, this.#size - at));
    return body;
  }
}
