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
  readonly source: 'settings' | 'file';
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

export function loadInventoryFiles(settings: Settings, context: Context): Inventory {
  const problems: SettingsProblem[] = [];
  const hosts: SourcedHost[] = settings.inventory.hosts.map((entry, i) => ({
    entry,
    source: 'settings',
    where: context.where(['inventory', 'hosts', i]),
  }));
  settings.inventory.files.forEach((pattern, i) => {
    const at = context.where(['inventory', 'files', i]);
    try {
      const files = expand(pattern);
      if (files.length === 0)
        problems.push({
          code: 'CONFIG_UNREADABLE',
          where: at,
          message: `inventory.files: no file is named ${pattern}.`,
        });
      for (const file of files) {
        const read = readHosts(file, context);
        hosts.push(...read.hosts);
        problems.push(...read.problems);
      }
    } catch (error) {
      problems.push({ code: 'CONFIG_UNREADABLE', where: at, message: `inventory.files: ${messageOf(error)}` });
    }
  });
  return { hosts, problems: [...problems, ...duplicates(hosts)] };
}

/** `*` and `?` in the last part of the path; a pattern that matches nothing in an existing directory is none. */
function expand(pattern: string): string[] {
  const name = basename(pattern);
  if (!/[*?]/.test(name)) return [pattern];
  const escaped = name
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const matches = new RegExp(`^${escaped}$`);
  return readdirSync(dirname(pattern))
    .filter((file) => matches.test(file) && (name.startsWith('.') || !file.startsWith('.')))
    .sort()
    .map((file) => join(dirname(pattern), file));
}

/** Prometheus file_sd: the target is the address, and the name is the part before the port. */
const fileSd = z.array(
  z.object({ targets: z.array(z.string().min(1)), labels: z.record(z.string(), z.string()).default({}) }),
);

function readHosts(file: string, context: Context): Inventory {
  const name = shortName(context.cwd, file);
  const parsed = parseYaml(name, readFileSync(file, 'utf8'), context.env, hostListCatalogue);
  const { file: yaml } = parsed;
  if (yaml === undefined || parsed.problems.length > 0) return { hosts: [], problems: [...parsed.problems] };
  const tree = yaml.tree ?? [];
  const where: Where = (path, key) => yaml.where(path, key);
  const targets = fileSd.safeParse(tree);
  const entries = targets.success && targets.data.length > 0 ? fromTargets(targets.data) : tree;
  const list = z.array(hostEntry).safeParse(entries);
  if (!list.success) return { hosts: [], problems: problemsOf(list.error, entries, hostListCatalogue, where) };
  const hosts = list.data.map(
    (entry, i): SourcedHost => ({
      entry: absoluteTls(entry, dirname(file)),
      source: 'file',
      where: targets.success && targets.data.length > 0 ? name : yaml.where([i]),
    }),
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
