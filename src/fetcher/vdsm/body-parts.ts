/** Smaller pieces are gathered in blocks: each Buffer costs some 100 bytes, and an agent may send byte by byte. */
const SMALL = 4096;
const BLOCK = 16_384;

/** A body that arrives in pieces. Large pieces are kept as they are and copied once, when the body is whole. */
export class BodyParts {
  readonly #room: (bytes: number) => Buffer;
  #parts: Buffer[] = [];
  #block: Buffer | null = null;
  #used = 0;
  #size = 0;

  /** `room`: where a body of several pieces is put together. */
  constructor(room: (bytes: number) => Buffer) {
    this.#room = room;
  }

  get size(): number {
    return this.#size;
  }

  add(piece: Buffer): void {
    this.#size += piece.length;
    if (piece.length >= SMALL) {
      this.#closeBlock();
      this.#parts.push(piece);
      return;
    }
    if (this.#block !== null && this.#used + piece.length > BLOCK) this.#closeBlock();
    this.#block ??= Buffer.allocUnsafe(BLOCK);
    this.#used += piece.copy(this.#block, this.#used);
  }

  /** The whole body; begins anew. */
  take(): Buffer {
    this.#closeBlock();
    const [only] = this.#parts;
    const body = only !== undefined && this.#parts.length === 1 ? only : this.#together();
    this.clear();
    return body;
  }

  clear(): void {
    this.#parts = [];
    this.#block = null;
    this.#used = 0;
    this.#size = 0;
  }

  #together(): Buffer {
    const body = this.#room(this.#size);
    let at = 0;
    for (const part of this.#parts) at += part.copy(body, at);
    return body;
  }

  #closeBlock(): void {
    if (this.#block !== null) this.#parts.push(this.#block.subarray(0, this.#used));
    this.#block = null;
    this.#used = 0;
  }
}
