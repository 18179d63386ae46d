import type { Io, Output } from './io.js';
import { toAscii } from './text.js';

export type ColorChoice = 'auto' | 'always' | 'never';

/** How text looks on one output: colour, character set and width. */
export interface Style {
  readonly color: boolean;
  readonly utf8: boolean;
  /** null = no limit. */
  readonly columns: number | null;
  readonly isTTY: boolean;
}

export function styleOf(output: Pick<Output, 'isTTY' | 'columns'>, env: Io['env'], choice: ColorChoice): Style {
  return {
    color: wantsColor(output, env, choice),
    utf8: isUtf8(env),
    // Some terminals say that they have no columns at all.
    columns: output.isTTY ? output.columns || 80 : null,
    isTTY: output.isTTY,
  };
}

/** --color > NO_COLOR > FORCE_COLOR, CLICOLOR_FORCE > terminal; TERM=dumb is none. */
function wantsColor(output: Pick<Output, 'isTTY' | 'columns'>, env: Io['env'], choice: ColorChoice): boolean {
  if (choice !== 'auto') return choice === 'always';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'] ?? env['CLICOLOR_FORCE'] ?? '';
  if (forced !== '') return forced !== '0' && forced !== 'false';
  return output.isTTY && env['TERM'] !== 'dumb';
}

function isUtf8(env: Io['env']): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  return process.platform === 'win32' || /utf-?8/i.test(locale ?? '');
}

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, magenta: 35, cyan: 36 } as const;
export type Paint = keyof typeof codes;

export function paint(style: Style, how: Paint | undefined, text: string): string {
  return style.color && how !== undefined && text !== '' ? `\u001b[${codes[how]}m${text}\u001b[0m` : text;
}

/** The last step before text leaves for people. */
export function finish(style: Style, text: string): string {
  return style.utf8 ? text : toAscii(text);
}

const severityPaint: Readonly<Record<string, Paint>> = { WARNING: 'yellow', ERROR: 'red', ALERT: 'magenta' };
export const paintOfSeverity = (severity: string): Paint | undefined => severityPaint[severity];

const good = new Set(['Up', 'ready', 'live']);
const busy = new Set([
  'Connecting',
  'Initializing',
  'Unassigned',
  'PoweringUp',
  'PoweringDown',
  'MigratingFrom',
  'MigratingTo',
  'RebootInProgress',
  'WaitForLaunch',
  'Reboot',
  'Installing',
  'PreparingForMaintenance',
  'Paused',
  'stale',
  'loading',
  'Unknown',
  'NotResponding',
  'Kdumping',
]);
const bad = new Set(['NonResponsive', 'NonOperational', 'Error', 'InstallFailed', 'degraded', 'ImageIllegal']);

export function paintOfStatus(status: string): Paint | undefined {
  if (good.has(status)) return 'green';
  if (bad.has(status)) return 'red';
  return busy.has(status) ? 'yellow' : undefined;
}
