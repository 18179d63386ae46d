/** Deeper than anything an agent says by a wide margin; what walks a value later may recurse. */
export const MAX_DEPTH = 64;
/**
 * An empty object costs 3 bytes of text and some 60 of memory, so a body within the size limit could still fill the heap.
 * Real answers have 60 bytes and more per object or list.
 */
const FREE_CONTAINERS = 10_000;
const BYTES_PER_CONTAINER = 32;
const LONGEST_SAFE = '9007199254740991';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const ONE = 0x31;
const NINE = 0x39;
const UPPER_E = 0x45;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const LOWER_E = 0x65;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * JSON.parse for answers of agents, with two differences. Whole numbers beyond ±2^53 come as text, because agents send
 * 64-bit counters and JSON.parse would round them. Nesting and the number of objects are limited before they cost memory.
 *
 * The bytes are looked at once (about 1 ns each); the text is taken apart only if it holds such a number.
 *
 * @throws SyntaxError with a message that holds nothing of the body.
 */
export function parseJson(body: Buffer): unknown {
  const start = body.length >= 3 && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  const long = scan(body, start);
  const text = long.length === 0 ? body.toString('utf8', start) : quoted(body, start, long);
  try {
    return JSON.parse(text);
  } catch {
    throw new SyntaxError(text.trim() === '' ? 'the body is empty' : 'the body is not JSON');
  }
}

/** Objects and lists that a body of so many bytes may have. */
export function maxContainersOf(bytes: number): number {
  return FREE_CONTAINERS + Math.floor(bytes / BYTES_PER_CONTAINER);
}

/** Checks the limits; gives begin and end of each whole number that a float64 cannot hold, one after the other. */
function scan(body: Buffer, start: number): number[] {
  const long: number[] = [];
  const maxContainers = maxContainersOf(body.length);
  let depth = 0;
  let containers = 0;
  let i = start;
  while (i < body.length) {
    const byte = body[i] as number;
    if (byte === QUOTE) {
      i = endOfString(body, i + 1);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      depth += 1;
      containers += 1;
      if (depth > MAX_DEPTH) throw new SyntaxError(`the body is nested deeper than ${MAX_DEPTH} levels`);
      if (containers > maxContainers) throw new SyntaxError('the body has too many objects for its size');
      i += 1;
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth -= 1;
      i += 1;
    } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      const end = endOfNumber(body, i);
      if (end - i >= LONGEST_SAFE.length && isLongInteger(body, i, end)) long.push(i, end);
      i = end;
    } else {
      i += 1;
    }
  }
  return long;
}

/** Position after the closing quote. */
function endOfString(body: Buffer, from: number): number {
  let i = from;
  while (i < body.length && body[i] !== QUOTE) i += body[i] === BACKSLASH ? 2 : 1;
  return i + 1;
}

function endOfNumber(body: Buffer, from: number): number {
  let i = from + 1;
  for (; i < body.length; i++) {
    const byte = body[i] as number;
    const digit = byte >= ZERO && byte <= NINE;
    if (!digit && byte !== POINT && byte !== MINUS && byte !== PLUS && byte !== LOWER_E && byte !== UPPER_E) break;
  }
  return i;
}

/** Only what JSON allows as a whole number, so that quoting never makes a bad text a good one. */
function isLongInteger(body: Buffer, start: number, end: number): boolean {
  const first = body[start] === MINUS ? start + 1 : start;
  const digits = end - first;
  if (digits < LONGEST_SAFE.length) return false;
  const lead = body[first] as number;
  if (lead < ONE || lead > NINE) return false;
  for (let i = first; i < end; i++) {
    const byte = body[i] as number;
    if (byte < ZERO || byte > NINE) return false;
  }
  if (digits === LONGEST_SAFE.length && body.toString('latin1', first, end) <= LONGEST_SAFE) return false;
  return endsValue(body, end);
}

function endsValue(body: Buffer, from: number): boolean {
  let i = from;
  while (body[i] === SPACE || body[i] === TAB || body[i] === LINE_FEED || body[i] === RETURN) i += 1;
  const next = body[i];
  return next === undefined || next === COMMA || next === CLOSE_LIST || next === CLOSE_OBJECT;
}

function quoted(body: Buffer, start: number, long: readonly number[]): string {
  const parts: string[] = [];
  let from = start;
  for (let i = 0; i < long.length; i += 2) {
    const begin = long[i] as number;
    const end = long[i + 1] as number;
    parts.push(body.toString('utf8', from, begin), '"', body.toString('latin1', begin, end), '"');
    from = end;
  }
  parts.push(body.toString('utf8', from));
  return parts.join('');
}
