import type { Context } from './context.js';

export type Run = (context: Context, ...args: never[]) => Promise<void> | void;
/** Makes of what a command does the function that commander calls. */
export type Act = (run: Run) => (...given: unknown[]) => Promise<void>;
