import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushOf } from '../../../src/fetcher/vdsm/pushed.js';
import { encodeFrame, StompError } from '../../../src/fetcher/vdsm/stomp-frame.js';
import { StompParser } from '../../../src/fetcher/vdsm/stomp-parser.js';
import { VurtiError } from '../../../src/kernel/index.js';
import { fixture, type Json } from '../support/fixtures.js';
import { mutate, mutation } from '../support/mutations.js';
import { frameBytes } from './support/agent-wire.js';
import { ask, Heard, host, inMemory } from './support/client.js';

const soak = process.env['VURTI_SOAK'] === '1';
/** 20,000 inputs in all, a million in soak. */
const runs = (share: number) => ({ numRuns: share * (soak ? 50 : 1) });
const timeout = soak ? 3_600_000 : 60_000;

const MAX_BODY = 1000;

/** What lives after a collection, beside what stood there before. All inputs together leave less than this. */
const MOST_KEPT = 32 * 1_048_576;
let kept = 0;
function alive(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
beforeAll(() => {
  kept = alive();
});
afterAll(() => expect(alive() - kept).toBeLessThan(MOST_KEPT));

/**
 * What comes of these bytes in pieces of these sizes, over and over: frames, and whether it ended in an error.
 * `toPlace`: the rest of a body is read to its place, as from a socket; pieces are read into again.
 */
function outcomeOf(bytes: Buffer, sizes: readonly number[], toPlace: boolean): unknown[] {
  const seen: unknown[] = [];
  const parser = new StompParser({
    maxBodyBytes: () => MAX_BODY,
    // One place at a time, and none larger than a body may be.
    room: (size) => {
      expect(size).toBeLessThanOrEqual(MAX_BODY);
      return Buffer.allocUnsafeSlow(size);
    },
    onFrame: ({ command, headers, body }) => seen.push([command, [...headers], body.toString('latin1')]),
  });
  try {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length] ?? bytes.length;
      const rest = toPlace ? parser.rest : null;
      if (rest === null) {
        const piece = Buffer.from(bytes.subarray(at, at + size));
        parser.push(piece);
        piece.fill('!');
        at += size;
      } else {
        const read = bytes.copy(rest, 0, at, at + size);
        parser.filled(read);
        at += read;
      }
    }
  } catch (error) {
    if (!(error instanceof StompError)) throw error;
    seen.push('error');
  }
  return seen;
}

const crumb = fc.oneof(
  fc.constantFrom(
    ...['MESSAGE', 'ERROR', 'CONNECTED', 'RECEIPT', 'x', '\n', '\n\n', '\r\n', '\r', '\0', ':', '\\c', '\\', '\\x'],
    ...['content-length:', 'content-length:3\n\nabc\0', 'content-length:0\n\n\0', '2', '1001', '-1', 'destination:a\n'],
    ...['heart-beat:0,0\n', '\n\n\0', 'ERROR\n\n\0', '99999999999999999999', '\ufeff', '\u2028'],
  ),
  fc.string({ unit: 'binary', maxLength: 10 }),
);
const bytes = fc.oneof(
  fc.array(crumb, { maxLength: 30 }).map((crumbs) => Buffer.from(crumbs.join(''))),
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
);
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });

const headers = fc.dictionary(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).filter((name) => name !== 'content-length'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  { maxKeys: 6 },
);

describe('the codec', () => {
  it(
    'reads anything in any pieces alike, and fails only by its own error',
    () => {
      fc.assert(
        fc.property(bytes, sizes, (input, pieces) => {
          const whole = outcomeOf(input, [input.length], false);
          expect(outcomeOf(input, pieces, false)).toEqual(whole);
          expect(outcomeOf(input, pieces, true)).toEqual(whole);
        }),
        {
          ...runs(9000),
          examples: [
            [Buffer.from('ERROR\ncontent-length:3\n\nabc'), [28]],
            [Buffer.from('ERROR\n\r\n\0'), [7, 1]],
            [Buffer.from('\r\r\n\nERROR\n\n\0\r'), [1]],
          ],
        },
      );
    },
    timeout,
  );

  it(
    'reads what an agent writes, and writes what an agent reads',
    () => {
      fc.assert(
        fc.property(headers, fc.option(fc.string({ unit: 'binary', maxLength: 300 })), sizes, (given, body, pieces) => {
          const theirs = frameBytes('MESSAGE', given, body ?? undefined);
          const ours = encodeFrame('MESSAGE', given, body ?? undefined);
          expect(ours.equals(theirs)).toBe(true);
          const [frame] = outcomeOf(Buffer.concat([Buffer.from('\n'), theirs, theirs]), pieces, true) as [
            string,
            [],
            string,
          ][];
          expect(frame?.[2]).toBe(Buffer.from(body ?? '').toString('latin1'));
          expect(Object.fromEntries(frame?.[1] ?? [])).toMatchObject(given);
        }),
        runs(4000),
      );
    },
    timeout,
  );
});

it(
  'pushed messages of any kind and damage never throw',
  () => {
    const events = fixture<Json[]>('events');
    fc.assert(
      fc.property(
        fc.nat(events.length - 1),
        fc.array(mutation, { maxLength: 4 }),
        fc.option(fc.tuple(fc.nat(4000), fc.integer({ min: 0, max: 255 })), { freq: 3 }),
        (index, mutations, flip) => {
          const message = structuredClone(events[index] as Json);
          for (const change of mutations) mutate(message, structuredClone(change));
          const body = Buffer.from(JSON.stringify(message));
          if (flip !== null && flip[0] < body.length) body[flip[0]] = flip[1];
          const push = pushOf(host, body);
          expect(push === null || push === 'unreadable' || typeof push.kind === 'string').toBe(true);
        },
      ),
      runs(6000),
    );
  },
  timeout,
);

it(
  'an agent that says anything at any moment: every call ends, the listener’s contract holds, nothing is left',
  async () => {
    const command = fc.oneof(
      { weight: 3, arbitrary: bytes },
      { weight: 2, arbitrary: fc.constantFrom('reply', 'event', 'refuse', 'close', 'wait') },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 8 }), fc.boolean(), async (commands, talks) => {
        const { agent, fetcher, time } = inMemory();
        const heard = new Heard();
        agent.talks = talks;
        fetcher.listen(host, heard);
        const calls = [ask(fetcher), ask(fetcher, 'Host.getStats')];
        await time.runFor(0);
        for (const next of commands) {
          const connection = agent.last;
          calls.push(ask(fetcher));
          if (next === 'reply') agent.requests.at(-1)?.result({ a: 1 });
          else if (next === 'event') agent.push('|net|host_conn|no_id', {});
          else if (next === 'refuse') connection.send('ERROR', {}, 'Subscription not available');
          else if (next === 'close') connection.close();
          else if (next !== 'wait') connection.raw(next as Buffer);
          await time.runFor(next === 'wait' ? 25_000 : 1);
        }
        for (const call of calls) call.controller.abort(new VurtiError('AGENT_TIMEOUT', 'late'));
        await time.runFor(0);
        expect(calls.filter((call) => call.ended === 'no')).toEqual([]);
        expect(calls.filter((call) => call.error !== null && !(call.error instanceof VurtiError))).toEqual([]);
        expect(heard.breaches()).toEqual([]);
        await fetcher.close();
        await time.runFor(60_000);
        expect([...time.waiting().keys()]).toEqual([]);
        expect(time.takeErrors()).toEqual([]);
      }),
      runs(1000),
    );
  },
  timeout,
);
