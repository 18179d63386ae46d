import type { Random, Scheduler } from '../../../src/kernel/index.js';
import type { JournalFiles } from '../../../src/store/journal/journal-files.js';

interface MemoryFile {
  bytes: Uint8Array;
  /** Bytes that outlast a crash for sure. */
  synced: number;
}

/**
 * A folder that can crash: what was not synced is then there, partly there, garbled or gone, as chance has it. Calls take
 * a millisecond each, so that others come in between.
 */
export class MemoryFiles implements JournalFiles {
  readonly place = 'memory';
  files = new Map<string, MemoryFile>();
  /** Names as the disk has them. */
  #durable = new Map<string, MemoryFile>();
  readonly #scheduler: Scheduler;
  /** Asked before each call: throws, or never answers once the machine is down. */
  before: (call: string) => Promise<void> | void = () => undefined;
  /** Thrown by the next calls of this name. */
  readonly failures = new Map<string, Error>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** What a machine finds that comes up again. */
  afterCrash(scheduler: Scheduler, random: Random): MemoryFiles {
    const next = new MemoryFiles(scheduler);
    // The folder's changes reached the disk, or not.
    for (const [name, file] of random.next() < 0.5 ? this.files : this.#durable) {
      const kept = file.synced + Math.floor(random.next() * (file.bytes.length - file.synced + 1));
      const bytes = file.bytes.slice(0, kept);
      if (kept > file.synced && random.next() < 0.3) bytes.fill(0, file.synced + ((kept - file.synced) >> 1));
      next.files.set(name, { bytes, synced: bytes.length });
    }
    next.#durable = new Map(next.files);
    return next;
  }

  async list(): Promise<readonly string[]> {
    await this.#turn('list');
    return [...this.files.keys()];
  }

  async size(name: string): Promise<number> {
    await this.#turn('size');
    return this.#file(name).bytes.length;
  }

  async read(name: string, from: number, length: number): Promise<Uint8Array> {
    await this.#turn('read');
    return this.#file(name).bytes.slice(from, from + length);
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const file = this.files.get(name) ?? { bytes: new Uint8Array(), synced: 0 };
    this.files.set(name, file);
    const whole = file.bytes;
    // A crash may come in the middle of it.
    file.bytes = Buffer.concat([whole, bytes.subarray(0, bytes.length >> 1)]);
    await this.#turn('append');
    file.bytes = Buffer.concat([whole, bytes]);
    await this.#turn('append');
  }

  async sync(name: string): Promise<void> {
    await this.#turn('sync');
    const file = this.#file(name);
    file.synced = file.bytes.length;
    await this.#turn('sync');
  }

  async truncate(name: string, size: number): Promise<void> {
    await this.#turn('truncate');
    const file = this.#file(name);
    file.bytes = file.bytes.slice(0, size);
    file.synced = size;
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#turn('rename');
    this.files.set(to, this.#file(from));
    this.files.delete(from);
  }

  async remove(name: string): Promise<void> {
    await this.#turn('remove');
    this.files.delete(name);
    await this.#turn('remove');
  }

  async syncFolder(): Promise<void> {
    await this.#turn('syncFolder');
    this.#durable = new Map(this.files);
    await this.#turn('syncFolder');
  }

  async close(): Promise<void> {
    await this.#turn('close');
  }

  #file(name: string): MemoryFile {
    const file = this.files.get(name);
    if (file === undefined) throw new Error(`ENOENT: ${name}`);
    return file;
  }

  async #turn(call: string): Promise<void> {
    await this.before(call);
    const failure = this.failures.get(call);
    if (failure !== undefined) throw failure;
    await new Promise<void>((resolve) => this.#scheduler.after(1, resolve, 'file'));
  }
}
