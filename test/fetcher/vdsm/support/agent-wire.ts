/** STOMP as VDSM reads and writes it: strict where it is strict. Written from vdsm-protocol.md §1 and §2 alone. */

export interface Frame {
  readonly command: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

const COMMANDS = [
  ...['CONNECT', 'CONNECTED', 'SEND', 'MESSAGE', 'SUBSCRIBE', 'UNSUBSCRIBE', 'DISCONNECT', 'ERROR', 'RECEIPT'],
  ...['GET /', 'PUT /'],
];

/** What the server tells by the first 11 bytes or more. */
export function looksLikeStomp(begin: Buffer): boolean {
  return COMMANDS.some((command) => begin.subarray(0, command.length).toString('latin1') === command);
}

const toWire = new Map([
  [':', '\\c'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\\', '\\\\'],
]);
const fromWire = new Map([...toWire].map(([plain, escaped]) => [escaped, plain]));

export function frameBytes(command: string, headers: Readonly<Record<string, string>>, body?: string): Buffer {
  const escaped = (text: string): string => [...text].map((character) => toWire.get(character) ?? character).join('');
  const all = body === undefined ? headers : { ...headers, 'content-length': String(Buffer.from(body).length) };
  const lines = Object.entries(all).map(([name, value]) => `${escaped(name)}:${escaped(value)}`);
  return Buffer.concat([Buffer.from([command, ...lines, '', ''].join('\n')), Buffer.from(`${body ?? ''}\0`)]);
}

/** JSON with nothing but ASCII in it. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function unescaped(text: string): string {
  if (text.includes(':')) throw new Error('a bare colon');
  return text.replace(/\\./gs, (sequence) => {
    const plain = fromWire.get(sequence);
    if (plain === undefined) throw new Error('an unknown escape');
    return plain;
  });
}

/** Throws where VDSM closes the connection. */
export class FrameReader {
  #buffer = Buffer.alloc(0);
  readonly #onFrame: (frame: Frame) => void;
  readonly #onLineEnd: () => void;

  constructor(onFrame: (frame: Frame) => void, onLineEnd: () => void) {
    this.#onFrame = onFrame;
    this.#onLineEnd = onLineEnd;
  }

  push(bytes: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    while (this.#next()) {
      // Until nothing whole is left.
    }
  }

  #next(): boolean {
    if (this.#buffer[0] === 0x0a) {
      this.#onLineEnd();
      this.#buffer = this.#buffer.subarray(1);
      return true;
    }
    const text = this.#buffer.toString('latin1');
    const head = /^(.*?)\r?\n\r?\n/s.exec(text);
    if (head === null) return false;
    const [whole, before = ''] = head;
    const [command = '', ...lines] = Buffer.from(before, 'latin1').toString('utf8').split(/\r?\n/);
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (colon < 0) throw new Error('a header without a colon');
      const name = unescaped(line.slice(0, colon));
      if (!headers.has(name)) headers.set(name, unescaped(line.slice(colon + 1)));
    }
    const length = headers.get('content-length');
    const end = length === undefined ? this.#buffer.indexOf(0, whole.length) : whole.length + Number(length);
    if (end < 0 || this.#buffer.length <= end) return false;
    if (this.#buffer[end] !== 0) throw new Error('no NUL after the body');
    const body = this.#buffer.subarray(whole.length, end);
    this.#buffer = this.#buffer.subarray(end + 1);
    this.#onFrame({ command: unescaped(command), headers, body });
    return true;
  }
}
