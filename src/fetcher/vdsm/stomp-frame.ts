/** One frame as it was read. The body is a view of what arrived: to be used at once, or copied. */
export interface StompFrame {
  readonly command: string;
  /** Un-escaped; of repeated headers the first. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** What the other side sent is not STOMP, or more of it than allowed; nothing after it can be understood. */
export class StompError extends Error {
  override readonly name = 'StompError';
  readonly tooLarge: boolean;

  constructor(message: string, tooLarge = false) {
    super(message);
    this.tooLarge = tooLarge;
  }
}

const ESCAPED: Readonly<Record<string, string>> = { ':': '\\c', '\n': '\\n', '\r': '\\r', '\\': '\\\\' };
const MEANT: Readonly<Record<string, string>> = { c: ':', n: '\n', r: '\r', '\\': '\\' };

/**
 * Escaped as STOMP 1.2 has it, in CONNECT too: VDSM un-escapes every frame and closes the connection at a bare second
 * colon (vdsm-protocol.md §2).
 */
export function escapeHeader(text: string): string {
  return text.replace(/[:\n\r\\]/g, (character) => ESCAPED[character] as string);
}

/** @throws StompError for an escape that STOMP does not know. */
export function unescapeHeader(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\(.?)/gs, (_, character: string) => {
    const meant = MEANT[character];
    if (meant === undefined) throw new StompError('a header has an escape that STOMP does not know');
    return meant;
  });
}

/** The bytes of one frame; content-length is that of the body in UTF-8. */
export function encodeFrame(command: string, headers: Readonly<Record<string, string>>, body?: string): Buffer {
  let head = `${command}\n`;
  for (const [name, value] of Object.entries(headers)) head += `${escapeHeader(name)}:${escapeHeader(value)}\n`;
  const length = body === undefined ? 0 : Buffer.byteLength(body);
  head += body === undefined ? '\n' : `content-length:${length}\n\n`;
  const headLength = Buffer.byteLength(head);
  const frame = Buffer.allocUnsafe(headLength + length + 1);
  frame.write(head, 0);
  if (body !== undefined) frame.write(body, headLength);
  frame[headLength + length] = 0;
  return frame;
}
