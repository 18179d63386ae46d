import type { NotDone } from '../verdict.js';

/** A step of what comes next. */
export interface NextStep {
  readonly text: string;
  /** When, ms since the epoch; null: no time is known. */
  readonly at: number | null;
}

/** What follows from an entity's situation as it is now: what was not done and why, what would end it, what comes next. */
export interface Outlook {
  readonly notDone: readonly NotDone[];
  readonly endsWhen: readonly string[];
  readonly next: readonly NextStep[];
}

/** A situation that people ask about. The first that matches tells. */
export interface OutlookRow<F> {
  readonly when: (f: F) => boolean;
  readonly notDone?: (f: F) => readonly NotDone[];
  readonly endsWhen?: (f: F) => readonly string[];
  readonly next?: (f: F) => readonly NextStep[];
}

export function outlookOf<F>(rows: readonly OutlookRow<F>[], f: F): Outlook {
  const row = rows.find(({ when }) => when(f));
  return { notDone: row?.notDone?.(f) ?? [], endsWhen: row?.endsWhen?.(f) ?? [], next: row?.next?.(f) ?? [] };
}

export const many = (n: number, one: string, more = `${one}s`): string => `${n} ${n === 1 ? one : more}`;
