import { expect, it } from 'vitest';
import { Rooms } from '../../src/fetcher/rooms.js';
import { StompParser } from '../../src/fetcher/vdsm/stomp-parser.js';

const KIB = 1024;

/** A frame whose body arrives in pieces of 4 KiB and more. */
function frameInPieces(body: Buffer): Buffer[] {
  const head = Buffer.from(`MESSAGE\ncontent-length:${body.length}\n\n`);
  const pieces = [head];
  for (let at = 0; at < body.length; at += 16 * KIB) pieces.push(Buffer.from(body.subarray(at, at + 16 * KIB)));
  return [...pieces, Buffer.from('\0')];
}

it('bodies of many pieces are put together in a place that was given back', () => {
  const rooms = new Rooms();
  const bodies: Buffer[] = [];
  const parser = new StompParser({
    maxBodyBytes: () => KIB * KIB,
    onFrame: ({ body }) => bodies.push(body),
    room: (bytes) => rooms.take(bytes),
  });
  const send = (letter: string, bytes: number): Buffer => {
    for (const piece of frameInPieces(Buffer.alloc(bytes, letter))) parser.push(piece);
    return bodies.at(-1) as Buffer;
  };
  const first = send('a', 100 * KIB);
  const second = send('b', 101 * KIB);
  // Not given back yet: nobody writes over it.
  expect(second.buffer).not.toBe(first.buffer);
  expect(first.equals(Buffer.alloc(100 * KIB, 'a'))).toBe(true);
  rooms.giveBack(first);
  const third = send('c', 102 * KIB);
  expect(third.buffer).toBe(first.buffer);
  expect(third.equals(Buffer.alloc(102 * KIB, 'c'))).toBe(true);
  expect(second.equals(Buffer.alloc(101 * KIB, 'b'))).toBe(true);
});

it.each([
  ['a small one', () => Buffer.from(new ArrayBuffer(100))],
  ['one within other bytes', () => Buffer.from(new ArrayBuffer(200 * KIB), 10, 150 * KIB)],
  ['a little of a large place', () => Buffer.from(new ArrayBuffer(500 * KIB), 0, 20 * KIB)],
])('a place is not taken back: %s', (_, make) => {
  const rooms = new Rooms();
  const bytes = make();
  rooms.giveBack(bytes);
  expect(rooms.take(bytes.length).buffer).not.toBe(bytes.buffer);
});

it.each([7, 10, 66])('answers of %d KiB, one after the other, need two places', (size) => {
  const rooms = new Rooms();
  const places = new Set<ArrayBufferLike>();
  let last = rooms.take(size * KIB);
  for (let i = 1; i <= 100; i++) {
    // As long as the last one is compared with, its place is taken.
    const next = rooms.take(size * KIB + (i % 7));
    rooms.giveBack(last);
    last = next;
    places.add(next.buffer);
  }
  expect(places.size).toBe(2);
});

it('a place given back twice is given away once', () => {
  const rooms = new Rooms();
  const bytes = rooms.take(50 * KIB);
  rooms.giveBack(bytes);
  rooms.giveBack(bytes);
  expect(rooms.take(50 * KIB).buffer).toBe(bytes.buffer);
  expect(rooms.take(50 * KIB).buffer).not.toBe(bytes.buffer);
});

it('keeps so many places, and so many bytes, and lets the oldest go', () => {
  const rooms = new Rooms();
  const many = Array.from({ length: 40 }, () => rooms.take(50 * KIB));
  for (const bytes of many) rooms.giveBack(bytes);
  const again = new Set(Array.from({ length: 40 }, () => rooms.take(50 * KIB).buffer));
  expect(many.map(({ buffer }) => again.has(buffer))).toEqual(many.map((_, i) => i >= 16));
  const large = Array.from({ length: 6 }, () => rooms.take(9 * KIB * KIB));
  for (const bytes of large) rooms.giveBack(bytes);
  const known = new Set(large.map(({ buffer }) => buffer));
  expect(
    Array.from({ length: 6 }, () => rooms.take(9 * KIB * KIB)).filter(({ buffer }) => known.has(buffer)),
  ).toHaveLength(3);
});
