/** Numbers and times as people read them. Unknown is "-", never 0. */

export const unknown = '-';

/** "4s", "6m11s", "41m", "3h12m", "3d4h", "12d": two units where the second one still matters. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  const two = (big: number, unit: string, small: number, smaller: string): string =>
    `${big}${unit}${small === 0 ? '' : `${small}${smaller}`}`;
  if (s < 60) return `${s}s`;
  const m = Math.floor(s / 60);
  if (m < 10) return two(m, 'm', s % 60, 's');
  if (m < 60) return `${m}m`;
  const h = Math.floor(m / 60);
  if (h < 8) return two(h, 'h', m % 60, 'm');
  if (h < 48) return `${h}h`;
  const d = Math.floor(h / 24);
  return d < 8 ? two(d, 'd', h % 24, 'h') : `${d}d`;
}

/** "9ms", "120ms", "2.3s" */
export function shortTime(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = count;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 100 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Thousands with a comma, whatever the locale of the machine. Counters beyond 2^53 come as text. */
export function count(value: number | string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

export const percent = (value: number | null): string => (value === null ? unknown : `${Math.round(value)}%`);

const two = (n: number): string => String(n).padStart(2, '0');

function parts(ms: number, utc: boolean): { date: string; time: string; millis: string } {
  const d = new Date(ms);
  const [y, mo, day, h, mi, s] = utc
    ? [d.getUTCFullYear(), d.getUTCMonth(), d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()]
    : [d.getFullYear(), d.getMonth(), d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds()];
  const millis = String(d.getUTCMilliseconds()).padStart(3, '0');
  return { date: `${y}-${two(mo + 1)}-${two(day)}`, time: `${two(h)}:${two(mi)}:${two(s)}`, millis };
}

/** Local time (or UTC), today without its date. */
export function clockTime(ms: number, now: number, utc: boolean, withMillis = false): string {
  const at = parts(ms, utc);
  const time = withMillis ? `${at.time}.${at.millis}` : at.time;
  return at.date === parts(now, utc).date ? time : `${at.date} ${time}`;
}

export const sinceText = (rfc3339: string | null, now: number): string =>
  rfc3339 === null ? unknown : duration(now - toMs(rfc3339));

export const toMs = (rfc3339: string): number => new Date(rfc3339).getTime();
