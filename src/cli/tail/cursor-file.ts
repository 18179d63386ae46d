import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { VurtiError } from '../../kernel/index.js';

/**
 * A place in the log, kept in a file between runs. The file is replaced as a whole, after it is on the disk: half a cursor,
 * or an empty file after a power cut, would be worse than the last one.
 */
export class CursorFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** undefined: there is none yet. @throws CONFIG_UNREADABLE also when it could not be written later */
  read(): string | undefined {
    try {
      closeSync(openSync(this.#new, 'a'));
      const text = readFileSync(this.#file, 'utf8').trim();
      return text === '' ? undefined : text;
    } catch (error) {
      const { code, path } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && path === this.#file) return undefined;
      throw this.#unusable(error);
    }
  }

  write(cursor: string): void {
    try {
      const file = openSync(this.#new, 'w');
      try {
        writeSync(file, `${cursor}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(this.#new, this.#file);
    } catch (error) {
      throw this.#unusable(error);
    }
  }

  get #new(): string {
    return `${this.#file}.new`;
  }

  #unusable(cause: unknown): VurtiError {
    return new VurtiError('CONFIG_UNREADABLE', `The cursor file ${this.#file} cannot be used`, {
      cause,
      hint: 'Check the path and its permissions.',
    });
  }
}
