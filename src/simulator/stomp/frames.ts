/** A frame as it came: VDSM's subset of STOMP 1.2 (vdsm-protocol.md §2). */
export interface Frame {
  readonly command: string;
  /** Of repeated headers the first. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Bytes that no client of an agent may send: the connection is closed. */
export class BadFrame extends Error {}

/** A client that sends more without the end of a frame is none; VDSM itself has no limit. */
const MOST_BYTES = 64 << 20;

const NUL = 0;
const LF = 10;
const CR = 13;

/** Takes bytes as they come and gives whole frames. */
export class FrameReader {
  #buffer: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    if (this.#buffer.length > MOST_BYTES) throw new BadFrame('The frame is too large');
  }

  /** The next frame; null when it has not come to its end. @throws BadFrame */
  next(): Frame | null {
    this.#skipLineEnds();
    const head = this.#head();
    if (head === null) return null;
    const { command, headers, bodyFrom } = head;
    const length = headers.get('content-length');
    const to = length === undefined ? this.#buffer.indexOf(NUL, bodyFrom) : bodyFrom + wholeNumber(length);
    if (to < 0 || this.#buffer.length <= to) return null;
    if (this.#buffer[to] !== NUL) throw new BadFrame('The byte after the body is not NUL');
    const body = this.#buffer.subarray(bodyFrom, to);
    this.#buffer = this.#buffer.subarray(to + 1);
    return { command, headers, body };
  }

  /** Between two frames a line end is a sign of life. */
  #skipLineEnds(): void {
    let from = 0;
    while (this.#buffer[from] === LF || this.#buffer[from] === CR) from += 1;
    if (from > 0) this.#buffer = this.#buffer.subarray(from);
  }

  #head(): { command: string; headers: Map<string, string>; bodyFrom: number } | null {
    const lines: string[] = [];
    for (let from = 0; ; ) {
      const end = this.#buffer.indexOf(LF, from);
      if (end < 0) return null;
      const line = this.#buffer.toString('utf8', from, this.#buffer[end - 1] === CR && end > from ? end - 1 : end);
      from = end + 1;
      if (line === '') return { command: lines[0] ?? '', headers: headersOf(lines.slice(1)), bodyFrom: from };
      lines.push(line);
    }
  }
}

/** A second colon that is not escaped is fatal. */
function headersOf(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const parts = line.split(':');
    if (parts.length !== 2) throw new BadFrame(`A header line with ${parts.length - 1} colons`);
    const [name, value] = parts.map(unescaped) as [string, string];
    if (!headers.has(name)) headers.set(name, value);
  }
  return headers;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new BadFrame('content-length is no number');
  return Number(text);
}

const escapes: Readonly<Record<string, string>> = { ':': '\\c', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };
const originals: Readonly<Record<string, string>> = { '\\c': ':', '\\n': '\n', '\\r': '\r', '\\\\': '\\' };

const escaped = (text: string): string => text.replace(/[:\n\r\\]/g, (char) => escapes[char] ?? char);
const unescaped = (text: string): string => text.replace(/\\[cnr\\]/g, (pair) => originals[pair] ?? pair);

/** A frame's text up to its body. `length`: of the body in bytes; null = it has none, and no content-length. */
export function headText(
  command: string,
  headers: Readonly<Record<string, string | number>>,
  length: number | null,
): string {
  let text = `${command}\n`;
  for (const [name, value] of Object.entries(headers)) text += `${escaped(name)}:${escaped(String(value))}\n`;
  if (length !== null) text += `content-length:${length}\n`;
  return `${text}\n`;
}

/** A whole frame. All that an agent sends is ASCII: characters are bytes. */
export function frameText(command: string, headers: Readonly<Record<string, string | number>>, body = ''): string {
  return `${headText(command, headers, body === '' ? null : body.length)}${body}\0`;
}

/** VDSM recognises a protocol by its first bytes, and wants as many of them as the longest command has. */
const DETECTABLE = 11;
const commands = [
  'CONNECT',
  'CONNECTED',
  'SEND',
  'MESSAGE',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'DISCONNECT',
  'ERROR',
  'RECEIPT',
];

/** What a connection speaks; null: too few bytes to say. */
export function detect(bytes: Buffer): 'stomp' | 'http' | 'unknown' | null {
  if (bytes.length < DETECTABLE) return null;
  const begin = bytes.toString('latin1', 0, DETECTABLE);
  if (commands.some((command) => begin.startsWith(command))) return 'stomp';
  return begin.startsWith('GET /') || begin.startsWith('PUT /') ? 'http' : 'unknown';
}
