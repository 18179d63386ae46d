import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { SettingCatalogue } from './catalogue.js';
import { coerce } from './coerce.js';
import { pathText, type SettingPath, type SettingsProblem } from './problem.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A parsed YAML file that still knows where each value stands. */
export class YamlFile {
  readonly name: string;
  readonly tree: unknown;
  readonly #document: Document;
  readonly #lines: LineCounter;

  readonly #filled: ReadonlySet<string>;

  /** `filled`: paths whose value came from the environment. */
  constructor(
    name: string,
    document: Document,
    lines: LineCounter,
    filled: ReadonlySet<string>,
    catalogue: SettingCatalogue,
  ) {
    this.name = name;
    this.#document = document;
    this.#lines = lines;
    this.#filled = filled;
    this.tree = withoutNulls(document.toJS({ maxAliasCount: 100 }), [], catalogue);
  }

  has(path: SettingPath): boolean {
    return this.#document.hasIn(path);
  }

  /** Whether the value is written out in the file, not taken from the environment. */
  literal(path: SettingPath): boolean {
    return this.has(path) && !this.#filled.has(pathText(path));
  }

  /** Position of a value, or of the nearest thing around it that exists. `key`: of its name instead. */
  where(path: SettingPath, key = false): string {
    for (let length = path.length; length > 0; length--) {
      const offset = this.#offset(path.slice(0, length), key && length === path.length);
      if (offset !== undefined) return `${this.name}:${this.#position(offset)}`;
    }
    return this.name;
  }

  #offset(path: SettingPath, key: boolean): number | undefined {
    const last = path.at(-1);
    const parent = path.length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, -1), true);
    if (isMap(parent)) {
      const pair = parent.items.find((item) => (isScalar(item.key) ? String(item.key.value) : undefined) === last);
      const node = key || !hasRange(pair?.value) ? pair?.key : pair.value;
      return hasRange(node) ? node.range[0] : undefined;
    }
    const item = isSeq(parent) ? parent.items[Number(last)] : undefined;
    return hasRange(item) ? item.range[0] : undefined;
  }

  #position(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${line}:${col}`;
  }
}

function hasRange(node: unknown): node is Node & { range: [number, number, number] } {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}

/**
 * `key:` with nothing after it is how a group looks whose members are all commented out. Only where null says something
 * it stays.
 */
function withoutNulls(value: unknown, path: SettingPath, catalogue: SettingCatalogue): unknown {
  if (Array.isArray(value)) return value.map((item, i) => withoutNulls(item, [...path, i], catalogue));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(
    ([key, member]) => member !== null || catalogue.find([...path, key])?.nullable,
  );
  return Object.fromEntries(members.map(([key, member]) => [key, withoutNulls(member, [...path, key], catalogue)]));
}

export interface ParsedYaml {
  /** Absent when the text is not YAML. */
  readonly file?: YamlFile;
  readonly problems: readonly SettingsProblem[];
}

/** Parses, and puts the environment in for `${NAME}` (`${NAME:-otherwise}`; `$${` stands for `${`). */
export function parseYaml(name: string, text: string, env: Environment, catalogue: SettingCatalogue): ParsedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { code: 'CONFIG_SYNTAX', where: `${name}:${line}:${col}`, message: error.message };
      }),
    };
  }
  const problems: SettingsProblem[] = [];
  const filled = new Set<string>();
  const visit = (node: unknown, path: SettingPath): void => {
    if (isMap(node)) {
      for (const pair of node.items) visit(pair.value, [...path, isScalar(pair.key) ? String(pair.key.value) : '?']);
    } else if (isSeq(node)) {
      node.items.forEach((item, i) => {
        visit(item, [...path, i]);
      });
    } else if (!isAlias(node) && isScalar(node) && typeof node.value === 'string' && node.value.includes('${')) {
      filled.add(pathText(path));
      const value = interpolate(node.value, env, (missing) => {
        const { line, col } = lines.linePos(node.range?.[0] ?? 0);
        problems.push({
          code: 'CONFIG_INVALID',
          where: `${name}:${line}:${col}`,
          message: `${pathText(path)}: the environment variable ${missing} is not set. Set it, or write \${${missing}:-value}.`,
        });
      });
      node.value = coerce(value, scalarOnly(catalogue, path));
    }
  };
  visit(document.contents, []);
  return { file: new YamlFile(name, document, lines, filled, catalogue), problems };
}

/** A variable fills one value of a list, not the list. */
function scalarOnly(catalogue: SettingCatalogue, path: SettingPath): ReturnType<SettingCatalogue['find']> {
  const info = catalogue.find(path);
  return info?.type === 'list' ? undefined : info;
}

function interpolate(text: string, env: Environment, missing: (name: string) => void): string {
  return text.replace(
    /(\$?)\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g,
    (match, escaped: string, name: string, otherwise?: string) => {
      if (escaped !== '') return match.slice(1);
      const value = env[name] === '' && otherwise !== undefined ? otherwise : (env[name] ?? otherwise);
      if (value === undefined) missing(name);
      return value ?? '';
    },
  );
}
