import { type Cursor, formatCursor, type LogBounds } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';

/** Where the log begins and ends. */
export interface LogWindow {
  /** Epoch of the present writer. */
  readonly epoch: number;
  /** Number of the newest record. */
  readonly head: number;
  /** Number of the newest record that was removed; 0 if none was. */
  readonly removed: number;
}

/** The epochs of the records at and right after a cursor; null where there is none. */
export interface Neighbours {
  readonly at: number | null;
  readonly after: number | null;
}

/**
 * Whether reading may go on from here. Numbers run on over epochs, so a cursor of an earlier epoch is as good as any,
 * unless another epoch wrote the records on either side of it: then it comes from a history that this log does not have
 * (a backup was restored, or it is another database).
 * @throws VurtiError CURSOR_INVALID, CURSOR_TOO_OLD
 */
export function checkCursor(cursor: Cursor, window: LogWindow, neighbours: Neighbours): void {
  const known =
    cursor.epoch <= window.epoch &&
    cursor.seq <= window.head &&
    (neighbours.at === null || neighbours.at <= cursor.epoch) &&
    (neighbours.after === null || neighbours.after >= cursor.epoch);
  const head = formatCursor({ epoch: window.epoch, seq: window.head });
  if (!known) {
    throw new VurtiError('CURSOR_INVALID', `${formatCursor(cursor)} is no place in this log, whose head is ${head}`);
  }
  if (cursor.seq < window.removed) {
    const gap = window.removed - cursor.seq;
    throw new VurtiError(
      'CURSOR_TOO_OLD',
      `Records up to number ${window.removed} were removed; ${formatCursor(cursor)} misses ${gap} of them`,
      { details: { removed: window.removed, seq: cursor.seq, gap } },
    );
  }
}

export function boundsOf(window: LogWindow, oldestEpoch: number | null): LogBounds {
  return {
    oldest: { epoch: oldestEpoch ?? window.epoch, seq: window.removed },
    head: { epoch: window.epoch, seq: window.head },
  };
}
