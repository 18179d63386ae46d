#!/usr/bin/env node
import { setMaxListeners } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { RealTime } from '../kernel/index.js';
import { exitCodes } from './errors.js';
import { type Io, type Output, Stopped } from './io.js';
import { run } from './run.js';

const time = new RealTime();
const stop = new AbortController();
// `doctor --all` has a listener for each host that it asks; each one goes with its question.
setMaxListeners(0, stop.signal);
const end = (cause: Stopped['cause']): void => stop.abort(new Stopped(cause));

/** npm passes on the Ctrl-C that the terminal has sent us already: two within this time are one. */
const SAME_CTRL_C_MS = 500;
let interruptedAt = Number.POSITIVE_INFINITY;

process.on('SIGINT', () => {
  // The second one does not wait for anything any more.
  if (time.monotonic() - interruptedAt > SAME_CTRL_C_MS) process.exit(exitCodes.interrupted);
  if (!stop.signal.aborted) interruptedAt = time.monotonic();
  end('interrupt');
});
process.on('SIGTERM', () => end('terminate'));

/** A daemon's SIGHUP asks it to read its settings again; a terminal's says that nobody sits there any more. */
const atTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
let hangUp: (() => void) | undefined;
process.on('SIGHUP', () => {
  if (hangUp === undefined || (atTerminal && terminalIsGone())) end('terminate');
  else hangUp();
});

function terminalIsGone(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r+'));
    return false;
  } catch {
    return true;
  }
}

function output(stream: NodeJS.WriteStream): Output {
  // Whoever read our output has left, as `head` does: nothing more to say, and no error.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    end('closed-pipe');
  });
  return {
    write: (text) => {
      if (!stream.destroyed) stream.write(text);
    },
    drained: () =>
      new Promise((resolve, reject) => {
        // In order behind what was written. Nobody takes it any more: then nothing goes on after it, either.
        if (stream.destroyed) reject(new Stopped('closed-pipe'));
        else stream.write('', (error) => (error ? reject(new Stopped('closed-pipe')) : resolve()));
      }),
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

async function ask(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await reader.question(question, { signal: stop.signal });
  } finally {
    reader.close();
  }
}

const io: Io = {
  env: process.env,
  cwd: process.cwd(),
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  clock: time,
  scheduler: time,
  fetch: globalThis.fetch,
  stop: stop.signal,
  onHangUp: (listener) => {
    hangUp = listener;
  },
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : null,
  isAlive: (pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  },
};

const code = await run(process.argv.slice(2), io);
// What is still in a pipe has to get out before the end; idle connections need not be waited for.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
