/** What PostgreSQL refuses in a text, and with it the whole flush: NUL and halves of surrogate pairs. */
const UNSTORABLE = /[\0\p{Cs}]/gu;
const HAS_UNSTORABLE = /[\0\p{Cs}]/u;
/** Control characters of C0 and C1, and the marks that turn the direction of writing: they could forge a terminal line. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** The text cut to `max` UTF-16 units, never through a pair, with everything that cannot be stored replaced by U+FFFD. */
export function cleanText(text: string, max: number): string {
  const cut = text.length > max ? withoutHalfPair(text.slice(0, max)) : text;
  return HAS_UNSTORABLE.test(cut) ? cut.replace(UNSTORABLE, '\ufffd') : cut;
}

/** Whether a text can be a key as it is: cutting or replacing could make two keys one. */
export function isCleanKey(text: string, max = 255): boolean {
  return text !== '' && text.length <= max && !HAS_UNSTORABLE.test(text);
}

/** The beginning of what an agent sent, safe to print in one line. */
export function excerpt(text: string, max = 80): string {
  const cut = text.length > max ? `${withoutHalfPair(text.slice(0, max))}…` : text;
  return cut.replace(UNPRINTABLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for any decoded value. */
export function excerptOf(value: unknown, max = 80): string {
  if (typeof value === 'string') return excerpt(JSON.stringify(value.slice(0, max + 1)), max);
  if (typeof value !== 'object' || value === null) return String(value);
  return Array.isArray(value) ? `a list of ${value.length}` : `an object of ${Object.keys(value).length} keys`;
}

function withoutHalfPair(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
