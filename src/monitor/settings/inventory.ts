import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../kernel/index.js';
import { hostListCatalogue } from './catalogue.js';
import { problemsOf, type Where } from './check.js';
import { shortName } from './paths.js';
import type { SettingsProblem } from './problem.js';
import { type HostEntry, hostEntry, type Settings } from './schema.js';
import { type Environment, parseYaml } from './yaml-file.js';

/** A host entry and where it was found. */
export interface SourcedHost {
  readonly entry: HostEntry;
  /** "settings", or "file:" and the entry of inventory.files. */
  readonly source: string;
  /** "hosts.d/lab.yaml:4:5" */
  readonly where: string;
}

interface Context {
  readonly env: Environment;
  readonly cwd: string;
  readonly where: Where;
}

interface Inventory {
  readonly hosts: SourcedHost[];
  readonly problems: SettingsProblem[];
}

/** Hosts of the settings and of all files, for a start: everything that is wrong is named. */
export function loadInventoryFiles(settings: Settings, context: Context): Inventory {
  const hosts: SourcedHost[] = settings.inventory.hosts.map((entry, i) => ({
    entry,
    source: 'settings',
    where: context.where(['inventory', 'hosts', i]),
  }));
  const twice = duplicates(hosts);
  const read = new InventoryFiles(context).read(settings.inventory.files, withoutTaken([], hosts));
  const problems = [...twice, ...read.flatMap(({ problems: found }) => found)];
  return { hosts: [...hosts, ...read.flatMap((source) => source.hosts)], problems };
}

/** Where the files are; tests have their own. */
export interface FileDoor {
  /** Names of what lies in a directory. */
  list(directory: string): readonly string[];
  read(file: string): string;
}

const disk: FileDoor = { list: (directory) => readdirSync(directory), read: (file) => readFileSync(file, 'utf8') };

/** One entry of inventory.files. */
export interface ReadSource {
  /** "file:" and the path. */
  readonly id: string;
  readonly hosts: readonly SourcedHost[];
  /** Of files that are wrong now; their hosts are those of the last time that they were right. */
  readonly problems: readonly SettingsProblem[];
}

/** Reads the files again and again. A file whose text is the same as before is not parsed anew. */
export class InventoryFiles {
  readonly #context: Context;
  readonly #door: FileDoor;
  readonly #known = new Map<
    string,
    { readonly text: string; readonly read: Inventory; readonly good: SourcedHost[] }
  >();

  constructor(context: Context, door: FileDoor = disk) {
    this.#context = context;
    this.#door = door;
  }

  /** Those that were found the last time. */
  files(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** `others`: hosts listed elsewhere, whose ids and names are taken. Never throws. */
  read(patterns: readonly string[], others: readonly SourcedHost[]): ReadSource[] {
    const seen: SourcedHost[] = [...others];
    const used = new Set<string>();
    const sources = patterns.map((pattern, i): ReadSource => {
      const id = `file:${pattern}`;
      const hosts: SourcedHost[] = [];
      const problems: SettingsProblem[] = [];
      for (const file of this.#files(pattern, i, problems)) {
        used.add(file);
        const read = this.#file(file, id);
        const twice = duplicates([...seen, ...read.hosts]);
        problems.push(...read.problems, ...twice);
        const taken = twice.length === 0 ? read.hosts : withoutTaken(seen, read.hosts);
        hosts.push(...taken);
        seen.push(...taken);
      }
      return { id, hosts, problems };
    });
    for (const file of this.#known.keys()) if (!used.has(file)) this.#known.delete(file);
    return sources;
  }

  /** Files that are named and cannot be found keep their last good hosts; those that a pattern no longer finds do not. */
  #files(pattern: string, index: number, problems: SettingsProblem[]): string[] {
    const where = this.#context.where(['inventory', 'files', index]);
    try {
      const files = expand(pattern, this.#door);
      if (files.length > 0) return files;
      problems.push({
        code: 'CONFIG_UNREADABLE',
        where,
        message: `inventory.files: no file is named ${pattern}.`,
      });
    } catch (error) {
      problems.push({ code: 'CONFIG_UNREADABLE', where, message: `inventory.files: ${messageOf(error)}` });
    }
    // The directory cannot be read: nothing is known of what lies in it.
    return [...this.#known.keys()].filter(
      (file) => dirname(file) === dirname(pattern) && named(pattern).test(basename(file)),
    );
  }

  #file(file: string, source: SourcedHost['source']): Inventory {
    const known = this.#known.get(file);
    let read: Inventory;
    let text = '';
    try {
      text = this.#door.read(file);
      read = known?.text === text ? known.read : parseHosts(file, text, source, this.#context);
    } catch (error) {
      const where = shortName(this.#context.cwd, file);
      read = {
        hosts: [],
        problems: [{ code: 'CONFIG_UNREADABLE', where, message: `cannot be read: ${messageOf(error)}` }],
      };
    }
    const good = read.problems.length === 0 ? read.hosts : (known?.good ?? []);
    this.#known.set(file, { text, read, good });
    return { hosts: good, problems: read.problems };
  }
}

/** Of two hosts with one id or name the one that was listed first counts. */
function withoutTaken(seen: readonly SourcedHost[], hosts: readonly SourcedHost[]): SourcedHost[] {
  const taken: SourcedHost[] = [];
  for (const host of hosts) if (duplicates([...seen, ...taken, host]).length === 0) taken.push(host);
  return taken;
}

/** `*` and `?` in the last part of the path; a pattern that matches nothing in an existing directory is none. */
function expand(pattern: string, door: FileDoor): string[] {
  const name = basename(pattern);
  if (!/[*?]/.test(name)) return [pattern];
  const matches = named(pattern);
  return door
    .list(dirname(pattern))
    .filter((file) => matches.test(file) && (name.startsWith('.') || !file.startsWith('.')))
    .sort()
    .map((file) => join(dirname(pattern), file));
}

function named(pattern: string): RegExp {
  const escaped = basename(pattern)
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`);
}

/** Prometheus file_sd: the target is the address, and the name is the part before the port. */
const fileSd = z.array(
  z.object({ targets: z.array(z.string().min(1)), labels: z.record(z.string(), z.string()).default({}) }),
);

function parseHosts(file: string, text: string, source: string, context: Context): Inventory {
  const name = shortName(context.cwd, file);
  const quick = file.endsWith('.json') ? targetsOfJson(text) : undefined;
  if (quick !== undefined) return listOf(quick, { file, source, whereOf: () => name, where: () => name });
  const parsed = parseYaml(name, text, context.env, hostListCatalogue);
  const { file: yaml } = parsed;
  if (yaml === undefined || parsed.problems.length > 0) return { hosts: [], problems: [...parsed.problems] };
  const tree = yaml.tree ?? [];
  const where: Where = (path, key) => yaml.where(path, key);
  const targets = fileSd.safeParse(tree);
  return targets.success && targets.data.length > 0
    ? listOf(fromTargets(targets.data), { file, source, whereOf: () => name, where })
    : listOf(tree, { file, source, whereOf: (i) => yaml.where([i]), where });
}

/** Thousands of targets as programs write them, without the price of YAML; what is wrong in them YAML's reader says better. */
function targetsOfJson(text: string): unknown[] | undefined {
  if (text.includes('${')) return undefined;
  try {
    const targets = fileSd.safeParse(JSON.parse(text));
    return targets.success && targets.data.length > 0 ? fromTargets(targets.data) : undefined;
  } catch {
    return undefined;
  }
}

interface ListedIn {
  readonly file: string;
  readonly source: string;
  readonly whereOf: (index: number) => string;
  readonly where: Where;
}

function listOf(entries: unknown, { file, source, whereOf, where }: ListedIn): Inventory {
  const list = z.array(hostEntry).safeParse(entries);
  if (!list.success) return { hosts: [], problems: problemsOf(list.error, entries, hostListCatalogue, where) };
  const hosts = list.data.map(
    (entry, i): SourcedHost => ({ entry: absoluteTls(entry, dirname(file)), source, where: whereOf(i) }),
  );
  return { hosts, problems: [] };
}

function fromTargets(groups: z.output<typeof fileSd>): unknown[] {
  return groups.flatMap(({ targets, labels }) =>
    targets.map((target) => {
      const match = /^(.*?)(?::(\d+))?$/.exec(target);
      const address = (match?.[1] ?? target).replace(/^\[(.*)\]$/, '$1');
      return {
        name: labels['name'] ?? address,
        address,
        ...(match?.[2] === undefined ? {} : { port: Number(match[2]) }),
        ...(labels['cluster'] === undefined ? {} : { cluster: labels['cluster'] }),
      };
    }),
  );
}

function absoluteTls(entry: HostEntry, base: string): HostEntry {
  if (entry.tls === undefined) return entry;
  const files = Object.entries(entry.tls).map(([key, value]) => [
    key,
    typeof value === 'string' ? resolve(base, value) : value,
  ]);
  return { ...entry, tls: Object.fromEntries(files) as NonNullable<HostEntry['tls']> };
}

/** Two hosts under one id or name would be judged by each other's reports. */
function duplicates(hosts: readonly SourcedHost[]): SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  for (const key of ['id', 'name'] as const) {
    const seen = new Map<string, SourcedHost>();
    for (const host of hosts) {
      const value = key === 'id' ? (host.entry.id ?? host.entry.name) : host.entry.name;
      const other = seen.get(value);
      const byName = key === 'id' && host.entry.name === other?.entry.name;
      if (other === undefined) seen.set(value, host);
      else if (!byName) {
        problems.push({
          code: 'CONFIG_INVALID',
          where: host.where,
          message: `A host with the ${key} "${value}" is already listed (${other.where}).`,
        });
      }
    }
  }
  return problems;
}
