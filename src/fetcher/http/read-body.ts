import type { Readable } from 'node:stream';

/** What one call may still read: all pages of a list share it. */
export interface ByteBudget {
  left: number;
}

export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/**
 * The whole body, counted after decompression while it arrives, so that a small body that swells is stopped at the same
 * size. However it ends, the stream is closed; with a body left unread that closes the connection too.
 *
 * @throws TooLarge, or the error of the stream.
 */
export async function readBody(body: Readable, budget: ByteBudget): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    budget.left -= chunk.length;
    if (budget.left < 0) throw new TooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The beginning of a body that is only shown, never read to its end. */
export async function readBeginning(body: Readable, bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= bytes) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, bytes);
}
