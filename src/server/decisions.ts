import type { LogRecord } from '../events/index.js';
import type { FieldChange } from '../model/index.js';

/** Records of one decision about one entity have all of this in common. */
export function decisionOf(record: LogRecord): string {
  return JSON.stringify([record.vmId ?? record.hostId, record.time, record.cause]);
}

/** A decision's change stands right before its events; no decision has more records about one entity than this. */
export const LOOK_BACK = 32;

/**
 * What changed with the record at this place. `whole` is false when the decision may have begun before the first of the
 * records that are given.
 */
export function changesBefore(
  records: readonly LogRecord[],
  index: number,
): { readonly changes: readonly FieldChange[]; readonly whole: boolean } {
  const record = records[index];
  if (record === undefined) return { changes: [], whole: true };
  const decision = decisionOf(record);
  const found: FieldChange[][] = [];
  for (let i = index - 1; i >= 0 && i >= index - LOOK_BACK; i--) {
    const other = records[i];
    if (other === undefined || other.time !== record.time || decisionOf(other) !== decision) {
      return { changes: found.reverse().flat(), whole: true };
    }
    if (other.kind === 'change') found.push([...other.changes]);
  }
  return { changes: found.reverse().flat(), whole: index >= LOOK_BACK };
}
