import type { ChangeSet } from '../../../../src/events/index.js';
import type { Law, World } from '../world.js';

/** Two reports of every host, and the time in which an answer comes. */
const WINDOW_SECONDS = 33;
/** It may take a while until the last fault is over: absences are counted, hosts are made contact with anew. */
const MOST_WINDOWS = 5;

/**
 * Law 4. When agents say the same again nothing changes and nothing is written, no row and no record, statistics included.
 * What timers do by themselves (restarts of failed VMs are advised again and again) is no answer to a report.
 */
export class RepeatedReports implements Law {
  readonly name = '4 (a second identical report writes nothing)';
  readonly #written: string[] = [];

  committed(_: World, { rows, records }: ChangeSet): void {
    if (records.length > 0 && records.every(({ cause }) => cause.source.by === 'timer')) return;
    for (const record of records) {
      const what = record.kind === 'event' ? record.name : record.kind;
      this.#written.push(`${what} by ${record.cause.rule} (${record.vmId ?? record.hostId})`);
    }
    if (records.length === 0) this.#written.push(...rows.map(({ kind }) => `a row of ${kind} by itself`));
  }

  async settled(world: World): Promise<void> {
    for (let window = 1; ; window++) {
      this.#written.length = 0;
      await world.pass(WINDOW_SECONDS);
      if (this.#written.length === 0) return;
      if (window === MOST_WINDOWS) {
        world.break(this, `the fleet stays as it is, and this goes on: ${[...new Set(this.#written)].join('; ')}`);
        return;
      }
    }
  }
}
