import { VurtiError } from '../kernel/index.js';

/** A place in the log: records after it have a higher number. The epoch tells the histories apart that a log may have had. */
export interface Cursor {
  readonly epoch: number;
  readonly seq: number;
}

/** Text form, e.g. "e3.184467". */
export function formatCursor(cursor: Cursor): string {
  return `e${cursor.epoch}.${cursor.seq}`;
}

/** @throws VurtiError CURSOR_INVALID */
export function parseCursor(text: string): Cursor {
  const match = /^e(\d{1,9})\.(\d{1,15})$/.exec(text);
  if (match === null) throw new VurtiError('CURSOR_INVALID', `"${text.slice(0, 40)}" is not a cursor`);
  return { epoch: Number(match[1]), seq: Number(match[2]) };
}
