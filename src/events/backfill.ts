/** How far a migration is that rewrites what is stored while the service runs. */
export interface BackfillProgress {
  readonly name: string;
  /** Records looked through, and all there are to look through. */
  readonly done: number;
  readonly total: number;
}

/** Migrations that rewrite data, in portions. A portion that was done stays done, whatever happens after it. */
export interface Backfills {
  /** What is left; null when nothing is. */
  progress(): Promise<BackfillProgress | null>;
  /** Does a portion; gives what is left then. */
  step(): Promise<BackfillProgress | null>;
}
