import type { z } from 'zod';
import { isLoopback } from '../../kernel/index.js';
import { defaultSettings } from '../../model/index.js';
import { expected, type SettingCatalogue } from './catalogue.js';
import { laterSettings } from './later.js';
import { parseListen } from './listen.js';
import { pathText, type SettingPath, type SettingsProblem } from './problem.js';

/** Where a value stands; `key`: where its name stands. */
export type Where = (path: SettingPath, key?: boolean) => string;

const secretKey = /(password|passphrase|secret|token)$/i;

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

export function valueAt(tree: unknown, path: SettingPath): unknown {
  let at: unknown = tree;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part];
  }
  return at;
}

function removeAt(tree: unknown, path: SettingPath): void {
  const parent = valueAt(tree, path.slice(0, -1));
  if (typeof parent === 'object' && parent !== null) delete (parent as Tree)[String(path.at(-1))];
}

/** Secrets written out, settings of later versions and an observer’s actions; all are taken out of the tree, so that each is named once. */
export function refuse(tree: Tree, where: Where): SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  const visit = (value: unknown, path: SettingPath): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, member] of Object.entries(value)) {
      const below = [...path, Array.isArray(value) ? Number(key) : key];
      if (!Array.isArray(value) && secretKey.test(key) && typeof member !== 'object') {
        problems.push({
          code: 'CONFIG_SECRET_INLINE',
          where: where(below, true),
          message: `${pathText(below)} holds a secret. Put it into a file that only vurti may read, and name that file.`,
        });
        delete (value as Tree)[key];
      } else visit(member, below);
    }
  };
  visit(tree, []);
  for (const [name, instead] of Object.entries(laterSettings)) {
    const path = name.split('.');
    if (valueAt(tree, path) === undefined) continue;
    problems.push({
      code: 'CONFIG_INVALID',
      where: where(path, true),
      message: `${name} is not in this version yet: ${instead}.`,
    });
    removeAt(tree, path);
  }
  if (valueAt(tree, ['actions', 'destroyLeftovers']) === true && valueAt(tree, ['mode']) !== 'manager') {
    const path = ['actions', 'destroyLeftovers'];
    problems.push({
      code: 'ACTION_IN_OBSERVER_MODE',
      where: where(path),
      message:
        'actions.destroyLeftovers: an observer never acts on a VM. Remove it, or set mode: manager if no engine manages these hosts.',
    });
    removeAt(tree, path);
  }
  return problems;
}

/** A password in a URL that stands in the file itself, instead of coming from the environment. */
export function refuseInlineUrl(fileText: unknown, where: Where): SettingsProblem[] {
  const path = ['database', 'url'];
  const url = valueAt(fileText, path);
  if (typeof url !== 'string' || !/^[a-z]+:\/\/[^/@]*:[^/@]+@/i.test(url)) return [];
  const message = `database.url holds a password. Write url: "\${DATABASE_URL}", and set that variable.`;
  return [{ code: 'CONFIG_SECRET_INLINE', where: where(path), message }];
}

export function problemsOf(
  error: z.ZodError,
  tree: unknown,
  catalogue: SettingCatalogue,
  where: Where,
): SettingsProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path as (string | number)[];
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => unknownKey([...path, key], catalogue, where));
    return [invalid(issue, path, tree, catalogue, where)];
  });
}

function unknownKey(path: SettingPath, catalogue: SettingCatalogue, where: Where): SettingsProblem {
  const meant = catalogue.meant(path);
  const hint = meant === undefined ? '' : ` Did you mean ${meant.text} (${expected(meant.info)})?`;
  return {
    code: 'CONFIG_UNKNOWN_KEY',
    where: where(path, true),
    message: `${pathText(path)} is not a setting.${hint}`,
  };
}

function invalid(
  issue: z.core.$ZodIssue,
  path: SettingPath,
  tree: unknown,
  catalogue: SettingCatalogue,
  where: Where,
): SettingsProblem {
  const value = valueAt(tree, path);
  const info = catalogue.find(path);
  const name = pathText(path) === '' ? 'The file' : pathText(path);
  const problem = (message: string): SettingsProblem => ({ code: 'CONFIG_INVALID', where: where(path), message });
  if (value === undefined) return problem(`${name} is missing${info === undefined ? '' : ` (${expected(info)})`}.`);
  const own = /^(invalid_format|custom)$/.test(issue.code) && /^must /.test(issue.message) ? ` ${issue.message}` : '';
  const shown = info?.secret === true ? 'its value' : shorten(value);
  const want =
    info === undefined || own !== '' ? '' : ` Expected: ${path.length === 0 ? 'settings by name' : expected(info)}.`;
  return problem(own === '' ? `${name}: ${shown} is not allowed.${want}` : `${name}: ${shown}${own}.`);
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Rules over several settings. They look at the raw tree, so that they speak up beside other problems. */
export function crossCheck(tree: unknown, where: Where): SettingsProblem[] {
  const problems: SettingsProblem[] = [];
  const numberAt = (path: SettingPath, otherwise: number): number => {
    const value = valueAt(tree, path);
    return typeof value === 'number' ? value : otherwise;
  };
  const listen = valueAt(tree, ['server', 'listen']);
  if (typeof listen === 'string') {
    const hasTls = valueAt(tree, ['server', 'tls']) !== undefined;
    problems.push(...checkListen(listen, hasTls, where));
  }

  problems.push(...sinksTwice(tree, where));
  const general = defaultSettings.poll;
  const scopes: SettingPath[] = [
    [],
    ...['clusters', 'hosts'].flatMap((kind) => {
      const record = valueAt(tree, [kind]);
      return isTree(record) ? Object.keys(record).map((name) => [kind, name]) : [];
    }),
  ];
  for (const scope of scopes) {
    const effective = (key: 'intervalSeconds' | 'deadlineSeconds' | 'maxIntervalSeconds'): number =>
      numberAt([...scope, 'poll', key], numberAt(['poll', key], general[key]));
    if (scope.length > 0 && valueAt(tree, [...scope, 'poll']) === undefined) continue;
    const name = (key: string): SettingPath => [...scope, 'poll', key];
    const interval = effective('intervalSeconds');
    const wrong = (key: 'deadlineSeconds' | 'maxIntervalSeconds', rule: string): void => {
      const at = valueAt(tree, name(key)) === undefined ? name('intervalSeconds') : name(key);
      const message = `${pathText(name(key))} (${effective(key)}) ${rule} ${pathText(name('intervalSeconds'))} (${interval}).`;
      problems.push({ code: 'CONFIG_INVALID', where: where(at), message });
    };
    if (effective('deadlineSeconds') >= interval) wrong('deadlineSeconds', 'must be below');
    // Left at its default it follows the interval (core.ts).
    const ownMax = valueAt(tree, name('maxIntervalSeconds'));
    if (typeof ownMax === 'number' && ownMax < interval) wrong('maxIntervalSeconds', 'must not be below');
  }
  return problems;
}

function checkListen(listen: string, hasTls: boolean, where: Where): SettingsProblem[] {
  const path = ['server', 'listen'];
  const address = parseListen(listen);
  if (address === undefined) {
    return [
      {
        code: 'CONFIG_INVALID',
        where: where(path),
        message: `server.listen: ${JSON.stringify(listen)} is not ADDRESS:PORT, like 127.0.0.1:8680 or [::1]:8680.`,
      },
    ];
  }
  if (isLoopback(address.host) || hasTls) return [];
  return [
    {
      code: 'LISTEN_NEEDS_TOKEN',
      where: where(path),
      message: `server.listen ${listen} is reachable by others: set server.tls and add a token (vurti tokens add NAME --scope read). Or listen on 127.0.0.1:${address.port}.`,
    },
  ];
}

/** Two of one name would share one place in the log. */
function sinksTwice(tree: unknown, where: Where): SettingsProblem[] {
  const sinks = valueAt(tree, ['sinks']);
  const names = Array.isArray(sinks) ? sinks.map((_, i) => valueAt(tree, ['sinks', i, 'name'])) : [];
  return names.flatMap((name, i): SettingsProblem[] =>
    typeof name !== 'string' || names.indexOf(name) === i
      ? []
      : [
          {
            code: 'CONFIG_INVALID',
            where: where(['sinks', i, 'name']),
            message: `A sink named "${name}" is already there.`,
          },
        ],
  );
}
