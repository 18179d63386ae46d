/**
 * The folder that the journal is kept in, and nothing else of the file system.
 *
 * Contract: names are plain names in that one folder. `append` makes the file where there is none. What was appended
 * outlasts a crash only after `sync`; that a file is there, has another name or is gone, only after `syncFolder`. Every
 * call may fail; one that failed may have done a part of its work. Calls come one at a time.
 */
export interface JournalFiles {
  /** For messages: where a person finds them. */
  readonly place: string;
  /** All names, in no order. Makes the folder where there is none. */
  list(): Promise<readonly string[]>;
  size(name: string): Promise<number>;
  /** As many bytes as are there, `length` at most. */
  read(name: string, from: number, length: number): Promise<Uint8Array>;
  append(name: string, bytes: Uint8Array): Promise<void>;
  sync(name: string): Promise<void>;
  /** Cuts the file to this size, durably. */
  truncate(name: string, size: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  syncFolder(): Promise<void>;
  close(): Promise<void>;
}
