/**
 * JSON text of a string in ASCII alone. All bodies are built of such text, so a body's length in characters is its
 * length in bytes and it can be sent as latin1, which costs a fraction of UTF-8.
 */
export function quote(text: string): string {
  return ascii(JSON.stringify(text));
}

/** JSON text of a value, in ASCII alone. */
export function json(value: unknown): string {
  return ascii(JSON.stringify(value));
}

function ascii(text: string): string {
  return text.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const two = (n: number): string => (n < 10 ? `0${n}` : String(n));

/**
 * The same ASCII text in one piece. V8 keeps a text put together as a tree of its parts, and walks that tree each time
 * it is sent; a text that is sent often is worth making whole once.
 */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** VDSM's dateTime, which is nearly ISO 8601: `2026-11-20T20:39:11 GMT`. */
export function agentDateTime(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)} GMT`;
}

/** `4s`, `6m11s`, `3h04m`: as people write it. */
export function spell(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s}s`;
  if (s < 3600) return s % 60 === 0 ? `${s / 60}m` : `${Math.floor(s / 60)}m${two(s % 60)}s`;
  return `${Math.floor(s / 3600)}h${two(Math.floor(s / 60) % 60)}m`;
}
