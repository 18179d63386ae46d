import { realpathSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { type Clock, messageOf, type Scheduler, seconds, type Telemetry, type Timer } from '../../kernel/index.js';
import {
  agentAccess,
  type HostChanges,
  InventoryFiles,
  type InventorySources,
  type LoadedSettings,
} from '../../monitor/index.js';
import { bySource } from './inventory.js';

/** Writers take several steps; this long after the last one a file is read … */
const QUIET_MS = 500;
/** … and so long after the first one, even if they go on. */
const LONGEST_MS = seconds(5);
/** Not every change is told: file systems of the network, links to other places, too few watches. */
const POLL_MS = seconds(30);

/** Tells of changes in a directory. @throws when it cannot be watched */
export type WatchDirectory = (directory: string, changed: () => void, lost: () => void) => { close(): void };

const watchDirectory: WatchDirectory = (directory, changed, lost) => {
  const watcher = watch(directory, { persistent: false }, changed);
  watcher.on('error', lost);
  return watcher;
};

export interface HostFilesOptions {
  readonly loaded: LoadedSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly sources: InventorySources;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly watch?: WatchDirectory;
}

/**
 * Follows the files of inventory.files. A file that is wrong, half-written or gone takes nobody away: its hosts stay as
 * they were, and its fault is told.
 */
export class HostFiles {
  readonly #o: HostFilesOptions;
  readonly #watch: WatchDirectory;
  readonly #watched = new Map<string, { close(): void }>();
  #loaded: LoadedSettings;
  #files: InventoryFiles;
  #seen = '';
  #poll: Timer | undefined;
  #soon: Timer | undefined;
  /** When a change that is waited for is read at the latest, on the monotonic clock. */
  #latest: number | undefined;
  #stopped = false;

  constructor(options: HostFilesOptions) {
    this.#o = options;
    this.#watch = options.watch ?? watchDirectory;
    this.#loaded = options.loaded;
    this.#files = this.#reader();
  }

  /** After the hosts of the settings were taken: what the files hold now is known already. */
  start(): void {
    this.#seen = JSON.stringify(this.#read());
    this.#follow();
  }

  /** Other settings are in force, and their hosts were taken. */
  changed(loaded: LoadedSettings): void {
    this.#loaded = loaded;
    this.#files = this.#reader();
    this.start();
    this.#o.sources.setFailed(new Map());
  }

  /** Reads the files, and takes their hosts if anything is new. */
  refresh(): HostChanges | undefined {
    const { sources, telemetry } = this.#o;
    const read = this.#read();
    const seen = JSON.stringify(read);
    if (seen === this.#seen) return undefined;
    this.#seen = seen;
    sources.setFailed(
      new Map(
        read
          .filter(({ problems }) => problems.length > 0)
          .map(({ id, problems }) => [id, problems.map(({ where, message }) => `${where}  ${message}`).join('; ')]),
      ),
    );
    try {
      const own = this.#own();
      const { hosts } = agentAccess({ ...this.#loaded, hosts: [...own, ...read.flatMap((source) => source.hosts)] });
      const changes = sources.take(bySource(hosts, this.#loaded.settings.inventory.files));
      const told = hostCounts(changes);
      if (told !== undefined) telemetry.log('info', 'The hosts of the inventory files have changed', told);
      return changes;
    } catch (error) {
      this.#seen = '';
      telemetry.log('warn', 'The hosts of the inventory files are not taken', { error: messageOf(error) });
      return undefined;
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#poll?.cancel();
    this.#soon?.cancel();
    for (const watcher of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  #reader(): InventoryFiles {
    const { env, cwd } = this.#o;
    return new InventoryFiles({ env, cwd, where: (path) => this.#loaded.origin(path).where });
  }

  #own() {
    return this.#loaded.hosts.filter(({ source }) => source === 'settings');
  }

  #read() {
    return this.#files.read(this.#loaded.settings.inventory.files, this.#own());
  }

  #follow(): void {
    this.#poll?.cancel();
    if (this.#stopped || this.#loaded.settings.inventory.files.length === 0) {
      this.#unwatch(new Set());
      return;
    }
    this.#watchAll();
    this.#poll = this.#o.scheduler.after(POLL_MS, () => this.#turn(), 'inventoryFiles');
  }

  #turn(): void {
    this.#soon?.cancel();
    this.#soon = undefined;
    this.#latest = undefined;
    this.refresh();
    this.#follow();
  }

  /** The directory of each entry, and of what its links lead to: a ConfigMap swaps the link, not the file. */
  #watchAll(): void {
    const wanted = new Set<string>();
    for (const file of this.#loaded.settings.inventory.files) wanted.add(dirname(file));
    for (const file of this.#files.files()) {
      try {
        wanted.add(dirname(realpathSync(file)));
      } catch {
        // It is gone; its directory is watched.
      }
    }
    this.#unwatch(wanted);
    for (const directory of wanted) {
      if (this.#watched.has(directory)) continue;
      const lost = (): void => {
        this.#watched.get(directory)?.close();
        this.#watched.delete(directory);
      };
      try {
        this.#watched.set(
          directory,
          this.#watch(directory, () => this.#changed(), lost),
        );
      } catch (error) {
        this.#o.telemetry.log('debug', 'A directory cannot be watched; its files are looked at every half minute', {
          directory,
          error: messageOf(error),
        });
      }
    }
  }

  #unwatch(wanted: ReadonlySet<string>): void {
    for (const [directory, watcher] of this.#watched) {
      if (wanted.has(directory)) continue;
      watcher.close();
      this.#watched.delete(directory);
    }
  }

  #changed(): void {
    if (this.#stopped) return;
    const now = this.#o.clock.monotonic();
    this.#latest ??= now + LONGEST_MS;
    this.#soon?.cancel();
    this.#soon = this.#o.scheduler.at(Math.min(now + QUIET_MS, this.#latest), () => this.#turn(), 'inventoryFiles');
  }
}

/** For a log line; undefined when nothing has changed. */
export function hostCounts(changes: HostChanges): Record<string, string> | undefined {
  const { added, changed, leaving, returned, removed } = changes;
  const names = Object.entries({ added, changed, leaving, returned, removed })
    .filter(([, hosts]) => hosts.length > 0)
    .map(([what, hosts]) => [what, shortList(hosts)]);
  return names.length === 0 ? undefined : Object.fromEntries(names);
}

const MOST_NAMES = 10;

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMES).join(', ');
  return names.length > MOST_NAMES ? `${shown} … (${names.length})` : shown;
}
