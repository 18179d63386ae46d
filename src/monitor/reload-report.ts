import type { HostChanges } from './inventory/index.js';
import type { SettingChange } from './settings/index.js';

/** What came of a reload. */
export interface ReloadReport {
  /** The settings file; null = there is none. */
  readonly file: string | null;
  readonly changes: readonly SettingChange[];
  /** null: a demo, whose hosts no file lists. */
  readonly hosts: HostChanges | null;
}
