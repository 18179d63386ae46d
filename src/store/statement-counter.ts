import type { Statement, StatementListener } from './store.js';

const WRITES: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'merge', 'copy', 'truncate']);

/** Counts statements and rows by table: give `listener` as a store's `onStatement`. */
export class StatementCounter {
  #seen: Statement[] = [];

  readonly listener: StatementListener = (statement) => {
    this.#seen.push(statement);
  };

  /** All statements since the last reset, or those on one table. */
  statements(table?: string): readonly Statement[] {
    return table === undefined ? this.#seen : this.#seen.filter((seen) => seen.table === table);
  }

  writes(table?: string): readonly Statement[] {
    return this.statements(table).filter((seen) => WRITES.has(seen.verb));
  }

  rowsWritten(table?: string): number {
    return this.writes(table).reduce((sum, seen) => sum + seen.rows, 0);
  }

  reset(): void {
    this.#seen = [];
  }
}
