import ora from 'ora';
import { VurtiError } from '../../kernel/index.js';
import { Context } from '../context.js';
import { Answer, exitCodes } from '../errors.js';
import { pause } from '../io.js';

const ASK_EVERY_MS = 250;
const DEFAULT_SECONDS = 60;
const LONGEST_REQUEST_SECONDS = 10;

/** Exit 0 when the level is reached, 1 when it is not in time. A service that is not there yet may still come. */
export async function waitFor(context: Context, level: 'serving' | 'synced'): Promise<void> {
  const { io, globals } = context;
  const seconds = globals.timeout ?? DEFAULT_SECONDS;
  const started = io.clock.monotonic();
  const left = (): number => seconds * 1000 - (io.clock.monotonic() - started);
  const spinner =
    context.err.isTTY && !globals.quiet
      ? ora({ text: `waiting for ${level}`, stream: process.stderr }).start()
      : undefined;
  try {
    for (let last = ''; ; ) {
      const failure = await attempt(context, level, left());
      if (failure === undefined) return;
      last = failure.message;
      if (spinner !== undefined) spinner.text = `waiting for ${level}: ${last}`;
      if (left() <= ASK_EVERY_MS) {
        spinner?.stop();
        context.note(`Not ${level} within ${seconds} s: ${last}`);
        throw new Answer(exitCodes.no);
      }
      await pause(io, ASK_EVERY_MS, 'wait');
    }
  } finally {
    spinner?.stop();
  }
}

async function attempt(context: Context, level: string, leftMs: number): Promise<VurtiError | undefined> {
  try {
    // Looked up anew each time: the service may come with another address.
    const timeout = Math.max(0.1, Math.min(LONGEST_REQUEST_SECONDS, leftMs / 1000));
    const client = new Context(context.io, { ...context.globals, timeout }).client();
    await client.get('/readyz', { level });
    return undefined;
  } catch (error) {
    if (error instanceof VurtiError && error.retryable) return error;
    throw error;
  }
}
