import type { ApiReload } from '../../server/index.js';
import type { Context } from '../context.js';
import { count } from '../human.js';
import { emit } from '../output.js';
import { paint, type Style } from '../style.js';
import { escapeControl, padEnd } from '../text.js';

export interface ReloadOptions {
  readonly acceptRemovals?: boolean;
}

export async function reload(context: Context, options: ReloadOptions): Promise<void> {
  const body = options.acceptRemovals ? { acceptRemovals: true } : undefined;
  const answer = await context.client().send<ApiReload>('POST', '/api/v1/reload', body);
  emit(context, {
    document: answer,
    names: answer.item.changes.map(({ path }) => `setting/${path}`),
    table: () => reloadLines(answer, context.out),
  });
}

function reloadLines({ item }: ApiReload, style: Style): string[] {
  const { file, changes, hosts } = item;
  const of = (effect: 'now' | 'restart') => changes.filter(({ takesEffect }) => takesEffect === effect);
  const [now, late] = [of('now'), of('restart')];
  const width = Math.max(0, ...changes.map(({ path }) => path.length));
  const line = ({ path, from, to }: (typeof changes)[number]): string =>
    `  ${padEnd(escapeControl(path), width)}  ${value(from)} → ${value(to)}`;
  const hostLines = hosts === null ? [] : hostText(hosts);
  const head = `${file === null ? 'No settings file' : escapeControl(file)}: ${now.length === 0 && hostLines.length === 0 ? 'read again, nothing else is in force.' : 'read again, in force:'}`;
  return [
    head,
    ...now.map(line),
    ...hostLines,
    ...(late.length === 0 ? [] : [paint(style, 'yellow', 'Takes effect at the next start only:'), ...late.map(line)]),
  ];
}

function value(given: unknown): string {
  return given === null ? '-' : escapeControl(typeof given === 'string' ? given : JSON.stringify(given));
}

function hostText(hosts: NonNullable<ApiReload['item']['hosts']>): string[] {
  const { added, changed, leaving, returned, removed, refused, held } = hosts;
  const names = (what: string, list: readonly string[]): string[] =>
    list.length === 0
      ? []
      : [
          `  ${count(list.length)} ${list.length === 1 ? 'host' : 'hosts'} ${what}: ${list.map(escapeControl).join(', ')}`,
        ];
  return [
    ...names('added', added),
    ...names('changed', changed),
    ...names('no longer listed, removed in 10 min', leaving),
    ...names('listed again', returned),
    ...names('removed', removed),
    ...refused.map(({ host, because }) => `  not taken: ${escapeControl(host)}, ${escapeControl(because)}`),
    ...held.map(
      ({ source, missing, known }) =>
        `  ${escapeControl(source === 'settings' ? 'inventory.hosts' : source.replace(/^file:/, ''))} lacks ${count(missing)} of ${count(known)} hosts: none is removed. If that is right: vurti reload --accept-removals`,
    ),
  ];
}
