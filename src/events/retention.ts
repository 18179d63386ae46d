/** What is left of the log after a removal. */
export interface LogRetention {
  /** Records of before this time may go. */
  readonly olderThan?: number;
  /** No more records than this are kept. */
  readonly keep?: number;
  /** Removed at most by one call, so that flushes have their turn in between. Default: all. */
  readonly atMost?: number;
}
