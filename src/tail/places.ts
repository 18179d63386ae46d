import { type Cursor, formatCursor, type LogReader } from '../events/index.js';
import { VurtiError } from '../kernel/index.js';

/** Reading cannot go on right after a cursor. Nothing that is kept is left out for it. */
export interface TailGap {
  /**
   * removed: records after the cursor are gone by retention. foreign: the records around it were written by somebody else
   * (a backup was restored, or it is another database). future: the log has not come as far.
   */
  readonly reason: 'removed' | 'foreign' | 'future';
  /** The cursor that was given. */
  readonly after: string;
  /** Reading goes on after this one. */
  readonly resumedAfter: string;
  /** Records that are missing; null = not known. */
  readonly missing: number | null;
  /** Records that its reader has had may come again. */
  readonly repeats: boolean;
}

/** The error for readers that have no way to be told of a gap. */
export function gapError(gap: TailGap): VurtiError {
  if (gap.reason === 'removed') {
    const { after, resumedAfter, missing } = gap;
    return new VurtiError(
      'CURSOR_TOO_OLD',
      `Records up to ${resumedAfter} were removed; yours is ${after}. The gap is ${missing} records`,
      { details: { ...gap } },
    );
  }
  return new VurtiError('CURSOR_INVALID', `${gap.after} is no place in this log (${gap.reason})`, {
    details: { ...gap },
  });
}

/**
 * Why one cannot read on from a cursor, and where one can. A log that was restored from a backup goes on in a later
 * epoch: then reading goes on with the first record of a later epoch than the cursor's, so that nothing is missed and
 * nothing comes twice. Where nothing is known of the cursor's history, it goes on at the oldest record kept.
 * null: there is no gap (any more).
 */
export async function findGap(reader: LogReader, cursor: Cursor): Promise<TailGap | null> {
  const { oldest, head } = await reader.bounds();
  const gap = (reason: TailGap['reason'], from: Cursor, more: Partial<TailGap> = {}): TailGap => ({
    reason,
    after: formatCursor(cursor),
    resumedAfter: formatCursor(from),
    missing: null,
    repeats: false,
    ...more,
  });
  const branch = async (): Promise<Cursor> => {
    const isLater = async (seq: number): Promise<boolean> => ((await reader.peek(seq))?.epoch ?? 0) > cursor.epoch;
    const first = await firstWhere(oldest.seq + 1, head.seq, isLater);
    if (first === null) return head;
    return first - 1 <= oldest.seq ? oldest : { epoch: cursor.epoch, seq: first - 1 };
  };
  if (cursor.epoch > head.epoch) return gap('future', oldest, { repeats: true });
  if (cursor.seq > head.seq) {
    if (cursor.epoch === head.epoch) return gap('future', oldest, { repeats: true });
    return gap('foreign', await branch());
  }
  if (cursor.seq < oldest.seq) return gap('removed', oldest, { missing: oldest.seq - cursor.seq });
  const [at, after] = await Promise.all([reader.peek(cursor.seq), reader.peek(cursor.seq + 1)]);
  if (at !== null && at.epoch > cursor.epoch) return gap('foreign', await branch());
  if (after !== null && after.epoch < cursor.epoch) return gap('foreign', oldest, { repeats: true });
  return null;
}

/** Records are in order of their commit; their times may be out of order by a little. */
const TIME_SLACK_MS = 60_000;

/** A place in the log before all records of that time and later. */
export async function placeBefore(reader: LogReader, time: number): Promise<Cursor> {
  const { oldest, head } = await reader.bounds();
  // A record that was removed meanwhile was older than all others.
  const isLater = async (seq: number): Promise<boolean> =>
    ((await reader.peek(seq))?.time ?? Number.NEGATIVE_INFINITY) >= time - TIME_SLACK_MS;
  const first = await firstWhere(oldest.seq + 1, head.seq, isLater);
  if (first === null) return head;
  const at = await reader.peek(first - 1);
  return at === null ? (await reader.bounds()).oldest : { epoch: at.epoch, seq: first - 1 };
}

/** The first number from … to, both included, for which the test holds, if it holds for all after that one. */
async function firstWhere(from: number, to: number, holds: (seq: number) => Promise<boolean>): Promise<number | null> {
  let [low, high] = [from, to + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low > to ? null : low;
}
