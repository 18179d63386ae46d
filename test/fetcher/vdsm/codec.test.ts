import { describe, expect, it } from 'vitest';
import { encodeFrame, escapeHeader, type StompFrame, unescapeHeader } from '../../../src/fetcher/vdsm/stomp-frame.js';
import { StompParser } from '../../../src/fetcher/vdsm/stomp-parser.js';
import { frameBytes } from './support/agent-wire.js';

const MIB = 1_048_576;

/** Frames of bytes that arrive in pieces of this size; bodies as text. */
function read(bytes: Buffer | string, piece = Infinity, maxBodyBytes = 64 * MIB): [string, object, string][] {
  const frames: [string, object, string][] = [];
  const parser = new StompParser({
    maxBodyBytes: () => maxBodyBytes,
    onFrame: ({ command, headers, body }) => frames.push([command, Object.fromEntries(headers), body.toString()]),
  });
  const all = Buffer.from(bytes);
  for (let at = 0; at < all.length; at += piece) parser.push(all.subarray(at, Math.min(all.length, at + piece)));
  return frames;
}

describe('frames are read', () => {
  const composed = Buffer.concat([
    Buffer.from('CONNECTED\nversion:1.2\nheart-beat:15000,0\n\n\0\n\n'),
    frameBytes('MESSAGE', { destination: 'a:b\\c\nd\re', subscription: '1' }, '{"name":"Grüße ✓ end"}'),
    Buffer.from('\r\nERROR\r\ncontent-length:4\r\ncontent-length:999\r\n\r\nno\0!\0\n'),
    Buffer.from('RECEIPT\nreceipt-id:77\n\nbody until NUL\0'),
  ]);
  const expected = [
    ['CONNECTED', { version: '1.2', 'heart-beat': '15000,0' }, ''],
    ['MESSAGE', { destination: 'a:b\\c\nd\re', subscription: '1', 'content-length': '26' }, '{"name":"Grüße ✓ end"}'],
    ['ERROR', { 'content-length': '4' }, 'no\0!'],
    ['RECEIPT', { 'receipt-id': '77' }, 'body until NUL'],
  ];

  it.each([1, 2, 3, 5, 7, 64, 1000])('in pieces of %i bytes', (piece) => {
    expect(read(composed, piece)).toEqual(expected);
  });

  it('whatever the one place where they are split', () => {
    for (let at = 1; at < composed.length; at++) {
      const frames: string[] = [];
      const parser = new StompParser({ maxBodyBytes: () => MIB, onFrame: ({ body }) => frames.push(body.toString()) });
      parser.push(composed.subarray(0, at));
      parser.push(composed.subarray(at));
      expect(frames).toEqual(expected.map(([, , body]) => body));
    }
  });

  it('a short body within one piece is a view of it, a long one is not; one of many MiB is put together', () => {
    const bodies: Buffer[] = [];
    const parser = new StompParser({ maxBodyBytes: () => 64 * MIB, onFrame: ({ body }) => bodies.push(body) });
    const small = frameBytes('MESSAGE', {}, 'abc');
    parser.push(small);
    expect(bodies[0]?.buffer).toBe(small.buffer);
    const longer = frameBytes('MESSAGE', {}, 'y'.repeat(8193));
    parser.push(longer);
    longer.fill(0);
    expect(bodies.pop()?.equals(Buffer.alloc(8193, 'y'))).toBe(true);
    const large = frameBytes('MESSAGE', {}, 'x'.repeat(8 * MIB));
    for (let at = 0; at < large.length; at += 65_536) parser.push(large.subarray(at, at + 65_536));
    expect(bodies[1]?.length).toBe(8 * MIB);
    expect(bodies[1]?.equals(Buffer.alloc(8 * MIB, 'x'))).toBe(true);
  });

  it('the rest of a body that has begun can be read to its place', () => {
    const bodies: string[] = [];
    const parser = new StompParser({ maxBodyBytes: () => MIB, onFrame: ({ body }) => bodies.push(body.toString()) });
    expect(parser.rest).toBeNull();
    parser.push(Buffer.from('MESSAGE\ncontent-length:10\n\n'));
    expect(parser.rest).toBeNull();
    parser.push(Buffer.from('abc'));
    expect(parser.rest).toHaveLength(7);
    parser.rest?.write('defg');
    parser.filled(4);
    parser.rest?.write('hij');
    parser.filled(3);
    expect([parser.rest, parser.isWithinFrame, bodies]).toEqual([null, true, []]);
    parser.push(Buffer.from('\0\nMESSAGE\n\nx\0'));
    expect(bodies).toEqual(['abcdefghij', 'x']);
  });

  it('an announcement alone gets no place', () => {
    const places: number[] = [];
    const room = (bytes: number): Buffer => {
      places.push(bytes);
      return Buffer.alloc(bytes);
    };
    const parser = new StompParser({ maxBodyBytes: () => 64 * MIB, onFrame: () => undefined, room });
    parser.push(Buffer.from(`MESSAGE\ncontent-length:${MIB}\n\n`));
    expect(places).toEqual([]);
    parser.push(Buffer.from('x'));
    expect(places).toEqual([MIB]);
    const other = new StompParser({ maxBodyBytes: () => 64 * MIB, onFrame: () => undefined, room });
    other.push(Buffer.from(`MESSAGE\ncontent-length:${MIB + 1}\n\nx`));
    expect([places, other.rest]).toEqual([[MIB], null]);
  });

  it('says whether it stands within a frame', () => {
    const parser = new StompParser({ maxBodyBytes: () => MIB, onFrame: () => undefined });
    const within = (piece: string): boolean => {
      parser.push(Buffer.from(piece));
      return parser.isWithinFrame;
    };
    expect(['\n\n', 'ERR', 'OR\n\nbo', 'dy\0', '\n'].map(within)).toEqual([false, true, true, false, false]);
    expect(parser.frames).toBe(1);
  });

  it('stops when it is told to, in the middle of a piece', () => {
    const seen: StompFrame[] = [];
    const parser = new StompParser({
      maxBodyBytes: () => MIB,
      onFrame: (frame) => {
        seen.push(frame);
        parser.stop();
      },
    });
    parser.push(Buffer.from('ERROR\n\n\0ERROR\n\n\0'));
    parser.push(Buffer.from('garbage'));
    expect(seen).toHaveLength(1);
  });
});

describe('what is not STOMP, or too much of it, is refused', () => {
  it.each([
    ['lower case', 'error\n\n\0', /no STOMP command/],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', /no STOMP command/],
    ['a bare NUL', '\0ERROR\n\n\0', /ends within its headers/],
    ['a header without a colon', 'ERROR\nabc\n\n\0', /no colon/],
    ['a header without a name', 'ERROR\n:abc\n\n\0', /no name/],
    ['an unknown escape', 'ERROR\na:\\t\n\n\0', /escape/],
    ['half an escape', 'ERROR\na:b\\\n\n\0', /escape/],
    ['a length that is none', 'ERROR\ncontent-length:-1\n\n\0', /not a number/],
    ['another one', 'ERROR\ncontent-length:1e3\n\n\0', /not a number/],
    ['a body longer than its length', 'ERROR\ncontent-length:3\n\nabcd\0', /not as long/],
    ['a head without an end', `ERROR\n${'a:b\n'.repeat(3000)}`, /no end of its headers/],
    ['too many headers', `ERROR\n${Array.from({ length: 65 }, (_, i) => `h${i}:x\n`).join('')}\n\0`, /more than 64/],
    ['one line without an end', 'E'.repeat(9000), /no end of its headers/],
  ])('%s', (_, bytes, message) => {
    for (const piece of [1, 10, Infinity]) expect(() => read(bytes, piece)).toThrow(message);
  });

  it('a body above the limit, as soon as that shows', () => {
    expect(() => read('ERROR\ncontent-length:101\n\n', Infinity, 100)).toThrow(/more than 100 bytes/);
    expect(() => read(`ERROR\n\n${'x'.repeat(101)}`, 10, 100)).toThrow(/more than 100 bytes/);
    expect(read(`ERROR\n\n${'x'.repeat(100)}\0`, 10, 100)).toHaveLength(1);
  });

  it('byte by byte it keeps little more than the bytes themselves', () => {
    const parser = new StompParser({ maxBodyBytes: () => 64 * MIB, onFrame: () => undefined });
    parser.push(Buffer.from(`MESSAGE\ncontent-length:${8 * MIB}\n\n`));
    const before = process.memoryUsage();
    const byte = Buffer.from('x');
    for (let i = 0; i < 4 * MIB; i++) parser.push(byte);
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    expect(arrayBuffers - before.arrayBuffers).toBeLessThan(6 * MIB);
    expect(heapUsed - before.heapUsed).toBeLessThan(32 * MIB);
  });
});

describe('frames are written', () => {
  it('with the length of the body in bytes, and escapes in all headers', () => {
    expect(encodeFrame('SEND', { destination: 'a:b\n\r\\' }, 'é✓').toString()).toBe(
      'SEND\ndestination:a\\cb\\n\\r\\\\\ncontent-length:5\n\né✓\0',
    );
    expect(encodeFrame('CONNECT', { 'accept-version': '1.2' }).toString()).toBe('CONNECT\naccept-version:1.2\n\n\0');
    expect(encodeFrame('SEND', {}, '').toString()).toBe('SEND\ncontent-length:0\n\n\0');
  });

  it('escaping and its undoing are each other’s inverse', () => {
    for (const text of ['', ':', '\\c', 'a\r\n:\\', 'vurti.1']) expect(unescapeHeader(escapeHeader(text))).toBe(text);
  });
});
