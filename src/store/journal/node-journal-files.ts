import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalFiles } from './journal-files.js';

/** A folder of the machine. The file that grows is kept open. */
export class NodeJournalFiles implements JournalFiles {
  readonly place: string;
  #growing: { readonly name: string; readonly handle: FileHandle } | null = null;

  constructor(folder: string) {
    this.place = folder;
  }

  async list(): Promise<readonly string[]> {
    // Rows of agents and managers stand in it: for this user alone.
    await mkdir(this.place, { recursive: true, mode: 0o700 });
    return await readdir(this.place);
  }

  async size(name: string): Promise<number> {
    return (await stat(this.#path(name))).size;
  }

  async read(name: string, from: number, length: number): Promise<Uint8Array> {
    const handle = await open(this.#path(name), 'r');
    try {
      const bytes = new Uint8Array(length);
      let got = 0;
      while (got < length) {
        const { bytesRead } = await handle.read(bytes, got, length - got, from + got);
        if (bytesRead === 0) break;
        got += bytesRead;
      }
      return bytes.subarray(0, got);
    } finally {
      await handle.close();
    }
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    await (await this.#open(name)).appendFile(bytes);
  }

  async sync(name: string): Promise<void> {
    await (await this.#open(name)).datasync();
  }

  async truncate(name: string, size: number): Promise<void> {
    const handle = await open(this.#path(name), 'r+');
    try {
      await handle.truncate(size);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#let(from);
    await rename(this.#path(from), this.#path(to));
  }

  async remove(name: string): Promise<void> {
    await this.#let(name);
    await rm(this.#path(name), { force: true });
  }

  async syncFolder(): Promise<void> {
    const handle = await open(this.place, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async close(): Promise<void> {
    await this.#growing?.handle.close();
    this.#growing = null;
  }

  async #open(name: string): Promise<FileHandle> {
    if (this.#growing?.name === name) return this.#growing.handle;
    await this.close();
    const handle = await open(this.#path(name), 'a', 0o600);
    this.#growing = { name, handle };
    return handle;
  }

  async #let(name: string): Promise<void> {
    if (this.#growing?.name === name) await this.close();
  }

  #path(name: string): string {
    return join(this.place, name);
  }
}
