/** Places in the log, kept with it, up to which somebody has taken it: by name. */
export interface Bookmarks {
  /** Cursors by name. */
  load(): Promise<ReadonlyMap<string, string>>;
  /** Replaces the one of this name. A writer that was fenced changes nothing. */
  save(name: string, cursor: string): Promise<void>;
}
