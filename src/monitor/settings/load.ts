import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../../kernel/index.js';
import { type SettingInfo, settingCatalogue } from './catalogue.js';
import { crossCheck, problemsOf, refuse, refuseInlineUrl, valueAt, type Where } from './check.js';
import { type Assignment, fromEnvironment } from './environment.js';
import { loadInventoryFiles, type SourcedHost } from './inventory.js';
import { shortName } from './paths.js';
import { pathText, type SettingPath, SettingsError, type SettingsProblem } from './problem.js';
import { type Settings, type SettingsInput, settingsSchema } from './schema.js';
import { type Environment, parseYaml, type YamlFile } from './yaml-file.js';

export interface SettingsSources {
  /** vurti.yaml; undefined = without a file. */
  readonly file?: string | undefined;
  /** Values given by code, instead of a file. */
  readonly values?: SettingsInput;
  readonly env?: Environment;
  /** Values given on the command line; `where` is the flag. */
  readonly flags?: readonly Assignment[];
  /** Values that only replace the built-in defaults, as a demo has some of its own. */
  readonly defaults?: readonly Assignment[];
  /** For relative paths that do not come from a file. */
  readonly cwd?: string;
}

export interface Origin {
  readonly layer: 'flag' | 'environment' | 'file' | 'code' | 'default';
  /** "--listen", "VURTI_MODE", "vurti.yaml:3:7"; empty for a default. */
  readonly where: string;
}

export interface LoadedSettings {
  readonly settings: Settings;
  /** Hosts of inventory.hosts and of the files, without duplicates. */
  readonly hosts: readonly SourcedHost[];
  readonly file: string | undefined;
  origin(path: SettingPath): Origin;
}

type Tree = Record<string, unknown>;

/**
 * Reads all sources, each over the next: flags, environment, file, defaults. @throws SettingsError with every problem.
 */
export function loadSettings(sources: SettingsSources): LoadedSettings {
  const env = sources.env ?? {};
  const cwd = sources.cwd ?? process.cwd();
  const { yaml, problems } = sources.file === undefined ? { problems: [] } : readSettingsFile(sources.file, env, cwd);
  if (sources.file !== undefined && yaml === undefined) throw new SettingsError(problems);

  const fromEnv = fromEnvironment(env);
  problems.push(...fromEnv.problems);
  const assigned = new Map<string, Assignment>();
  for (const one of [...fromEnv.assignments, ...(sources.flags ?? [])]) assigned.set(pathText(one.path), one);
  const where: Where = (path, key) => originWhere(assigned, path) ?? yaml?.where(path, key) ?? '';

  const tree = structuredClone(yaml?.tree ?? sources.values ?? {}) as Tree;
  problems.push(...refuseInlineUrl(literalUrl(sources, yaml, assigned), where), ...refuse(tree, where));
  const layered = [
    ...(sources.defaults ?? []).filter((d) => valueAt(tree, d.path) === undefined),
    ...assigned.values(),
  ];
  for (const { path, value } of layered) assign(tree, path, value);
  const parsed = settingsSchema.safeParse(tree);
  if (!parsed.success) addNew(problems, problemsOf(parsed.error, tree, settingCatalogue, where));
  addNew(problems, crossCheck(tree, where));
  if (!parsed.success || problems.length > 0) throw new SettingsError(inOrder(problems));

  const origin = (path: SettingPath): Origin => {
    const flag = sources.flags?.find((one) => pathText(one.path) === pathText(path));
    if (flag !== undefined) return { layer: 'flag', where: flag.where };
    const variable = assigned.get(pathText(path));
    if (variable !== undefined) return { layer: 'environment', where: variable.where };
    if (yaml?.has(path)) return { layer: 'file', where: yaml.where(path) };
    return { layer: valueAt(sources.values, path) === undefined ? 'default' : 'code', where: '' };
  };
  const base = (path: SettingPath): string => {
    return origin(path).layer === 'file' && sources.file !== undefined ? dirname(resolve(cwd, sources.file)) : cwd;
  };
  const settings = withAbsolutePaths(parsed.data, base);
  const inventory = loadInventoryFiles(settings, { env, cwd, where });
  if (inventory.problems.length > 0) throw new SettingsError(inventory.problems);
  return { settings, hosts: inventory.hosts, file: sources.file, origin };
}

function readSettingsFile(
  file: string,
  env: Environment,
  cwd: string,
): { yaml?: YamlFile; problems: SettingsProblem[] } {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), 'utf8');
  } catch (error) {
    return { problems: [{ code: 'CONFIG_UNREADABLE', where: file, message: `cannot be read: ${messageOf(error)}` }] };
  }
  const name = shortName(cwd, file);
  const { file: yaml, problems } = parseYaml(name, text, env, settingCatalogue);
  if (yaml === undefined) return { problems: [...problems] };
  if (yaml.tree === null || yaml.tree === undefined) return { yaml: emptied(name), problems: [...problems] };
  if (typeof yaml.tree !== 'object' || Array.isArray(yaml.tree)) {
    return {
      problems: [
        ...problems,
        { code: 'CONFIG_INVALID', where: `${name}:1:1`, message: 'The file must hold settings by name.' },
      ],
    };
  }
  return { yaml, problems: [...problems] };
}

/** A file of comments alone is a file without settings. */
function emptied(name: string): YamlFile {
  const { file } = parseYaml(name, '{}', {}, settingCatalogue);
  if (file === undefined) throw new SettingsError([]);
  return file;
}

/** Only a URL that is written out in the file counts; one from the environment is where it belongs. */
function literalUrl(
  sources: SettingsSources,
  yaml: YamlFile | undefined,
  assigned: ReadonlyMap<string, Assignment>,
): unknown {
  if (sources.file === undefined || yaml === undefined || assigned.has('database.url')) return {};
  return yaml.literal(['database', 'url']) ? yaml.tree : {};
}

function originWhere(assigned: ReadonlyMap<string, Assignment>, path: SettingPath): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const found = assigned.get(pathText(path.slice(0, length)));
    if (found !== undefined) return found.where;
  }
  return undefined;
}

function assign(tree: Tree, path: SettingPath, value: unknown): void {
  let at = tree;
  for (const part of path.slice(0, -1)) {
    const below = at[part] ?? {};
    // A wrong shape in the file is the schema's to name; it is not painted over here.
    if (typeof below !== 'object' || Array.isArray(below)) return;
    at[part] = below;
    at = below as Tree;
  }
  at[String(path.at(-1))] = value;
}

/** What stems from a place that was named already is no news. */
function addNew(problems: SettingsProblem[], found: readonly SettingsProblem[]): void {
  const named = new Set(problems.map((problem) => problem.where).filter((where) => where !== ''));
  problems.push(...found.filter((problem) => !named.has(problem.where)));
}

/** File order makes a list of problems readable from top to bottom. */
function inOrder(problems: readonly SettingsProblem[]): SettingsProblem[] {
  const line = (problem: SettingsProblem): number => {
    const match = /:(\d+):(\d+)$/.exec(problem.where);
    return match === null ? 0 : Number(match[1]) * 10_000 + Number(match[2]);
  };
  return [...problems].sort((a, b) => line(a) - line(b));
}

function withAbsolutePaths(settings: Settings, base: (path: SettingPath) => string): Settings {
  const walk = (value: unknown, path: SettingPath, info: SettingInfo | undefined): unknown => {
    if (typeof value === 'string') return info?.path ? resolve(base(path), value) : value;
    if (Array.isArray(value)) {
      return value.map((item, i) => walk(item, [...path, i], info?.path ? info : settingCatalogue.find([...path, i])));
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        walk(member, [...path, key], settingCatalogue.find([...path, key])),
      ]),
    );
  };
  return walk(settings, [], undefined) as Settings;
}
