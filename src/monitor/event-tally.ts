import type { LogRecord, Severity } from '../events/index.js';

const MINUTE = 60_000;
const MINUTES_KEPT = 60;

/** Counts committed events of the last hour by severity, a minute at a time. */
export class EventTally {
  readonly #minutes = new Map<number, Record<Severity, number>>();

  add(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.kind !== 'event') continue;
      const minute = Math.floor(record.time / MINUTE);
      let counts = this.#minutes.get(minute);
      if (counts === undefined) {
        counts = { NORMAL: 0, WARNING: 0, ERROR: 0, ALERT: 0 };
        this.#minutes.set(minute, counts);
        if (this.#minutes.size > MINUTES_KEPT + 1) {
          const oldest = this.#minutes.keys().next().value;
          if (oldest !== undefined) this.#minutes.delete(oldest);
        }
      }
      counts[record.severity] += 1;
    }
  }

  lastHour(now: number): Record<Severity, number> {
    const total = { NORMAL: 0, WARNING: 0, ERROR: 0, ALERT: 0 };
    const from = Math.floor(now / MINUTE) - MINUTES_KEPT;
    for (const [minute, counts] of this.#minutes) {
      if (minute <= from) continue;
      for (const severity of Object.keys(total) as Severity[]) total[severity] += counts[severity];
    }
    return total;
  }
}
