import { crc32 } from 'node:zlib';

/**
 * How entries stand in a file: one after the other, each with a head of 16 bytes (little-endian)
 *
 *     0  "VJ1\n"
 *     4  length of the content
 *     8  CRC-32 of the content
 *    12  CRC-32 of the 12 bytes before
 *
 * With a sum of its own a damaged head is not believed for its length; with the mark the next entry is found again.
 */
export const HEAD_BYTES = 16;
const MARK = Buffer.from('VJ1\n', 'latin1');

export function frame(content: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + content.length);
  MARK.copy(bytes);
  bytes.writeUInt32LE(content.length, 4);
  bytes.writeUInt32LE(crc32(content), 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12);
  bytes.set(content, HEAD_BYTES);
  return bytes;
}

/** What stands from `from` to `to`: an entry, or bytes that are none. */
export type Piece =
  | { readonly from: number; readonly to: number; readonly content: Uint8Array }
  | { readonly from: number; readonly to: number; readonly content: null };

/** The next piece; null at the end. What is damaged reaches to the next whole entry, or to the end. */
export function pieceAt(bytes: Uint8Array, from: number): Piece | null {
  if (from >= bytes.length) return null;
  const whole = wholeAt(bytes, from);
  if (whole !== null) return whole;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = buffer.indexOf(MARK, from + 1); at >= 0; at = buffer.indexOf(MARK, at + 1)) {
    if (wholeAt(bytes, at) !== null) return { from, to: at, content: null };
  }
  return { from, to: bytes.length, content: null };
}

function wholeAt(bytes: Uint8Array, from: number): Piece | null {
  if (bytes.length - from < HEAD_BYTES) return null;
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + from, HEAD_BYTES);
  if (!head.subarray(0, MARK.length).equals(MARK)) return null;
  if (crc32(head.subarray(0, 12)) !== head.readUInt32LE(12)) return null;
  const to = from + HEAD_BYTES + head.readUInt32LE(4);
  if (to > bytes.length) return null;
  const content = bytes.subarray(from + HEAD_BYTES, to);
  return crc32(content) === head.readUInt32LE(8) ? { from, to, content } : null;
}
