import type { Duplex } from 'node:stream';
import type { Scheduler, Timer } from '../../kernel/index.js';
import type { Condition } from '../condition.js';
import { frameText, headText } from './frames.js';

/** Pause between two bytes of a slow writer. */
const DRIP_MS = 1000;
/** A client that leaves more than this unread is let go: VDSM would keep it all. */
const MOST_UNREAD = 64 << 20;
/** A slow writer that falls behind by more than this gives the connection up. */
const MOST_DRIPPING = 8 << 20;

export interface OutputOptions {
  readonly socket: Duplex;
  readonly scheduler: Scheduler;
  readonly condition: () => Condition;
  /** Number of garbage that the agent has sent, so that each is another one. */
  readonly nextGarbage: () => number;
}

/** What an agent sends on one connection, spoilt in the way of its condition. Frames without a body are not spoilt. */
export class Output {
  readonly #options: OutputOptions;
  #stalled = false;
  #dripping = '';
  #drip: Timer | null = null;
  /** Bytes that still go out before the connection is broken. */
  #left = Number.POSITIVE_INFINITY;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** True: something went on its way. */
  frame(command: string, headers: Readonly<Record<string, string | number>>, body = ''): boolean {
    const kind = this.#options.condition().kind;
    if (this.#stalled || kind === 'hang') return false;
    if (kind === 'loris') return this.#slowly(frameText(command, headers, body));
    const text = body === '' ? frameText(command, headers) : this.#spoilt(kind, command, headers, body);
    return this.#raw(text);
  }

  /** A line end, when nothing else is on its way. */
  beat(): boolean {
    if (this.#stalled || this.#dripping !== '' || this.#options.condition().kind === 'hang') return false;
    return this.#raw('\n');
  }

  /** The connection is broken when so many more bytes have gone out. */
  cutAfter(bytes: number): void {
    this.#left = bytes;
    if (bytes === 0) this.#options.socket.destroy();
  }

  end(): void {
    this.#drip?.cancel();
    this.#drip = null;
    this.#dripping = '';
  }

  #spoilt(
    kind: Condition['kind'],
    command: string,
    headers: Readonly<Record<string, string | number>>,
    body: string,
  ): string {
    const whole = (): string => frameText(command, headers, body);
    switch (kind) {
      case 'cut':
      case 'stall': {
        const text = whole();
        const half = Math.ceil(text.length / 2);
        if (kind === 'stall') this.#stalled = true;
        else this.#left = Math.min(this.#left, half);
        return text.slice(0, half);
      }
      case 'length': {
        // Too small: the next byte is no NUL. Too large: the next frame is swallowed.
        const wrong = this.#options.nextGarbage() % 2 === 0 ? Math.max(0, body.length - 7) : body.length + 11;
        return `${headText(command, headers, wrong)}${body}\0`;
      }
      case 'garbage':
        return garbage(this.#options.nextGarbage(), command, headers, body);
      default:
        return whole();
    }
  }

  #raw(text: string): boolean {
    const { socket } = this.#options;
    if (socket.destroyed || socket.writableEnded) return false;
    if (text.length >= this.#left) {
      const last = text.slice(0, this.#left);
      this.#left = 0;
      this.#stalled = true;
      socket.write(last, 'latin1', () => socket.destroy());
      return true;
    }
    this.#left -= text.length;
    socket.write(text, 'latin1');
    if (socket.writableLength > MOST_UNREAD) socket.destroy();
    return true;
  }

  #slowly(text: string): boolean {
    this.#dripping += text;
    if (this.#dripping.length > MOST_DRIPPING) this.#options.socket.destroy();
    else if (this.#drip === null) this.#nextDrop();
    return true;
  }

  #nextDrop(): void {
    this.#raw(this.#dripping.charAt(0));
    this.#dripping = this.#dripping.slice(1);
    this.#drip = null;
    if (this.#dripping === '') return;
    this.#drip = this.#options.scheduler.after(DRIP_MS, () => this.#nextDrop(), 'simulator-wire');
  }
}

/** Things that come instead of a message, in turn: the first ones are whole frames, the others are none. */
function garbage(n: number, command: string, headers: Readonly<Record<string, string | number>>, body: string): string {
  switch (n % 8) {
    case 0:
      return frameText(command, headers, `${body.slice(0, Math.floor(body.length / 2))}`);
    case 1:
      return frameText(command, headers, '{"jsonrpc": "2.0", "id": "of-somebody-else", "result": {}}');
    case 2:
      return frameText(command, headers, '[42, null, "answer"]');
    case 3:
      return frameText(
        command,
        headers,
        '{"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}}',
      );
    case 4:
      return frameText('NONSENSE', headers, body);
    case 5:
      return frameText(command, { subscription: 'of-nobody' }, body);
    case 6:
      return 'HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html><body><h1>It works!</h1></body></html>';
    default:
      return `\u0000\u00ff\u001b[2J:${'\u0080'.repeat(64)}\n\n\u0000:::\n`;
  }
}
