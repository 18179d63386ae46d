import { Duplex } from 'node:stream';

/** Two ends of one connection in memory: what is written into one is read from the other, with backpressure. */
export function streamPair(): { readonly client: MemoryEnd; readonly agent: MemoryEnd } {
  const client = new MemoryEnd();
  const agent = new MemoryEnd();
  client.other = agent;
  agent.other = client;
  return { client, agent };
}

export class MemoryEnd extends Duplex {
  other: MemoryEnd | null = null;
  #wanted = false;
  #resume: (() => void) | null = null;

  constructor() {
    super({ allowHalfOpen: false, highWaterMark: 65_536 });
  }

  override _read(): void {
    this.#wanted = true;
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const { other } = this;
    if (other === null || other.destroyed) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      return;
    }
    other.#take(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this;
    this.other = null;
    this.#resume = null;
    // As a reset: what was not read yet is lost.
    if (other !== null && !other.destroyed) {
      process.nextTick(() => other.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })));
    }
    done(error);
  }

  #take(chunk: Buffer, done: () => void): void {
    const give = (): void => {
      this.#wanted = this.push(Buffer.from(chunk));
      done();
    };
    if (this.#wanted) give();
    else this.#resume = give;
  }
}
