import { type EventRecord, type Severity, severityIds } from '../events/index.js';
import type { HeldBack } from './flood-control.js';
import type { RecordMaker } from './record-maker.js';

const worse = (a: Severity, b: Severity): Severity => (severityIds[a] >= severityIds[b] ? a : b);
const rfc3339 = (ms: number): string => new Date(ms).toISOString();

/** What is said about events that were held back, as an event about the same entity: who filters for one finds the other. */
export function heldBackEvent(records: RecordMaker, held: HeldBack, now: number): EventRecord {
  const { last, names } = held;
  const source = { by: 'timer', at: now } as const;
  if (held.what === 'flapping') {
    const params = {
      ...{ Changes: String(held.changes), Seconds: String(held.withinSeconds), Event: names },
      ...{ QuietSeconds: String(held.quietSeconds), Last: last.message },
    };
    const draft = { name: 'EVENTS_FLAPPING', params } as const;
    return records.about(last, draft, worse('WARNING', last.severity), { rule: 'events.flap', source }, now);
  }
  const params = {
    ...{ Event: names, Count: String(held.count), From: rfc3339(held.from), To: rfc3339(held.to) },
    ...{ Why: held.why, Last: last.message },
  };
  const draft = { name: 'EVENTS_HELD_BACK', params } as const;
  return records.about(last, draft, last.severity, { rule: `events.${held.why}`, source }, now);
}
