/** The bytes to be kept: a body that is a small part of what it was read with would keep all of that. */
export function ownBytes(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength > 2 * bytes.length + 8192 ? Buffer.from(bytes) : bytes;
}
