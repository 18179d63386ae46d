import { Client } from './client.js';
import { findService } from './discover.js';
import type { Io } from './io.js';
import { type ColorChoice, finish, type Style, styleOf } from './style.js';

export const formats = ['table', 'wide', 'json', 'ndjson', 'yaml', 'name'] as const;
export type Format = (typeof formats)[number];

/** Flags that every command has. */
export interface Globals {
  readonly url?: string;
  readonly tokenFile?: string;
  readonly timeout?: number;
  readonly output?: Format;
  readonly json?: boolean;
  readonly color: ColorChoice;
  readonly utc?: boolean;
  readonly headers: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly yes?: boolean;
}

const REQUEST_TIMEOUT_SECONDS = 10;

/** What a command works with: its flags, where it writes, and the service. */
export class Context {
  readonly io: Io;
  readonly globals: Globals;
  readonly out: Style;
  readonly err: Style;

  constructor(io: Io, globals: Globals) {
    this.io = io;
    this.globals = globals;
    this.out = styleOf(io.stdout, io.env, globals.color);
    this.err = styleOf(io.stderr, io.env, globals.color);
  }

  get format(): Format {
    return this.globals.json ? 'json' : (this.globals.output ?? 'table');
  }

  get utc(): boolean {
    return this.globals.utc ?? false;
  }

  /** Lines for people, on stdout. */
  print(lines: string | readonly string[]): void {
    const text = [lines].flat().join('\n');
    if (text !== '' || typeof lines === 'string') this.io.stdout.write(`${finish(this.out, text)}\n`);
  }

  /** Data for programs, as it is. */
  data(text: string): void {
    this.io.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** Beside the data, on stderr. */
  note(text: string): void {
    if (!this.globals.quiet) this.io.stderr.write(`${finish(this.err, text)}\n`);
  }

  client(): Client {
    const { url, tokenFile, timeout } = this.globals;
    const timeoutMs = (timeout ?? REQUEST_TIMEOUT_SECONDS) * 1000;
    return new Client(this.io, findService({ url, tokenFile, timeoutMs }, this.io));
  }
}
