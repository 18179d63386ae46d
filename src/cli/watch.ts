import type { Context } from './context.js';
import { pause } from './io.js';

const REFRESH_MS = 2000;
const HOME_AND_CLEAR = '\u001b[H\u001b[2J';

/**
 * Asks and shows once, or again and again until Ctrl-C. On a terminal each picture replaces the last one, elsewhere it
 * follows it. What was asked is shown only when the answer is there, so that the screen is never empty.
 */
export async function watch(context: Context, again: boolean, ask: () => Promise<() => void>): Promise<void> {
  for (let first = true; ; first = false) {
    const show = await ask();
    if (again && context.out.isTTY) context.io.stdout.write(HOME_AND_CLEAR);
    else if (!first && context.format !== 'json' && context.format !== 'ndjson') context.print('');
    show();
    if (!again) return;
    await pause(context.io, REFRESH_MS, 'watch');
  }
}
