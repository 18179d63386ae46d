/**
 * A rule is a row of a table: a name that stands in causes and in `explain`, a condition, and what follows. Rows are pure:
 * they read the case and fill the draft. A situation's *transition* rows exclude each other; its *effect* rows are
 * applied in the order of their table, each that matches.
 */
export interface Row<C, D> {
  readonly name: string;
  /** When it applies, and why it is right, in one or two sentences: the text of docs/rules.md. */
  readonly doc: string;
  readonly when: (c: C) => boolean;
  readonly then: (c: C, draft: D) => void;
}

/** The row that matches. A table leaves no case open; one that does is a bug, and says which case it was. */
export function matchOne<C, D>(table: readonly Row<C, D>[], c: C): Row<C, D> {
  for (const row of table) if (row.when(c)) return row;
  throw new RangeError(`no row matches: ${table.map((row) => row.name).join(', ')}`);
}

export function applyEach<C, D>(table: readonly Row<C, D>[], c: C, draft: D, onMatch: (name: string) => void): void {
  for (const row of table) {
    if (!row.when(c)) continue;
    onMatch(row.name);
    row.then(c, draft);
  }
}
