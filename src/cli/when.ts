import { VurtiError } from '../kernel/index.js';

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const unitName = /^(\d+(?:\.\d+)?)\s*(s|m|h|d|w)(?:ec(?:onds?)?|in(?:utes?)?|ours?|ays?|eeks?)?\s*/i;

/** "2h", "1h30m", "10 min" in ms; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  let rest = text.trim();
  let total = 0;
  if (rest === '') return undefined;
  while (rest !== '') {
    const match = unitName.exec(rest);
    if (match === null) return undefined;
    total += Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] ?? 0) * 1000;
    rest = rest.slice(match[0].length);
  }
  return total;
}

/** A moment as people write it: "09:00", "2h ago", "-2h", "yesterday", "2026-01-31 09:00", RFC 3339. */
export function parseWhen(text: string, now: number, utc: boolean): number {
  const said = text.trim().toLowerCase();
  const today = new Date(now);
  const at = (y: number, mo: number, d: number, h = 0, mi = 0, s = 0): number =>
    utc ? Date.UTC(y, mo, d, h, mi, s) : new Date(y, mo, d, h, mi, s).getTime();
  const [year, month, day] = utc
    ? [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate()]
    : [today.getFullYear(), today.getMonth(), today.getDate()];
  if (said === 'now') return now;
  if (said === 'today') return at(year, month, day);
  if (said === 'yesterday') return at(year, month, day - 1);
  const span = parseDuration(said.replace(/\s*ago$/, '').replace(/^-/, ''));
  if (span !== undefined) return now - span;
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(said);
  if (clock !== null && Number(clock[1]) < 24 && Number(clock[2]) < 60) {
    return at(year, month, day, Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0));
  }
  const date = /^(\d{4})-(\d{2})-(\d{2})(?:[ t](\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(said);
  if (date !== null) {
    const [, y, mo, d, h, mi, s] = date.map((part) => Number(part ?? 0));
    const moment = at(y ?? 0, (mo ?? 1) - 1, d ?? 1, h, mi, s);
    if (!Number.isNaN(moment)) return moment;
  }
  const full = /^\d{4}-\d{2}-\d{2}t.*(z|[+-]\d{2}:\d{2})$/.test(said) ? new Date(text.trim()).getTime() : Number.NaN;
  if (Number.isNaN(full)) {
    throw new VurtiError(
      'BAD_ARGUMENT',
      `"${text}" is not a time. Say 09:00, "2h ago", yesterday or 2026-01-31T09:00:00Z.`,
    );
  }
  return full;
}
