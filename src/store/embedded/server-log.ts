import { closeSync, openSync } from 'node:fs';
import { copyFile, open, stat, truncate } from 'node:fs/promises';
import type { Scheduler, Telemetry, Timer } from '../../kernel/index.js';
import { messageOf, minutes } from '../../kernel/index.js';

const LARGEST = 4 * 1024 * 1024;
const CHECK_EVERY_MS = minutes(1);
const QUOTED_BYTES = 4096;
const QUOTED_LINES = 10;

/**
 * What PostgreSQL writes to stderr. It goes straight into a file, not through a pipe to us: the server outlives a
 * killed vurti and must be able to go on writing.
 *
 * The file is kept small by copying it to `server.log.1` and emptying it in place: the server holds it open and
 * appends, so a renamed file would go on growing. Lines that are written just between the two steps are lost.
 */
export class ServerLog {
  readonly path: string;
  #timer: Timer | undefined;
  #begin = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Calls `spawn` with a descriptor to write to. From now on `tail` quotes only what comes later. */
  async withDescriptor<T>(spawn: (fd: number) => T): Promise<T> {
    await this.#trim();
    const fd = openSync(this.path, 'a', 0o600);
    try {
      this.#begin = (await stat(this.path)).size;
      return spawn(fd);
    } finally {
      closeSync(fd);
    }
  }

  keepSmall(scheduler: Scheduler, telemetry: Telemetry): void {
    this.#timer = scheduler.after(
      CHECK_EVERY_MS,
      () => {
        this.#trim()
          .catch((error) => telemetry.log('warn', 'The log of PostgreSQL cannot be cut', { error: messageOf(error) }))
          .finally(() => {
            if (this.#timer !== undefined) this.keepSmall(scheduler, telemetry);
          });
      },
      'embedded-postgres-log',
    );
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** The last lines, for an error message. */
  async tail(): Promise<string> {
    try {
      const handle = await open(this.path, 'r');
      try {
        const { size } = await handle.stat();
        const from = Math.max(Math.min(this.#begin, size), size - QUOTED_BYTES);
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
        return lastLines(buffer.toString('utf8', 0, bytesRead));
      } finally {
        await handle.close();
      }
    } catch {
      return ''; // The error that wants to quote it is more important than this one.
    }
  }

  async #trim(): Promise<void> {
    const { size } = await stat(this.path).catch(() => ({ size: 0 }));
    if (size <= LARGEST) return;
    await copyFile(this.path, `${this.path}.1`);
    await truncate(this.path, 0);
    this.#begin = 0;
  }
}

export function lastLines(text: string): string {
  return text.trimEnd().split('\n').slice(-QUOTED_LINES).join('\n');
}
