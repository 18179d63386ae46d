import { expect, it } from 'vitest';
import { randomInt, SeededRandom } from '../../../src/kernel/index.js';
import { type AgentServer, hold } from './support/agent-server.js';
import { ask, Heard, host, inMemory, type Watched } from './support/client.js';

const soak = process.env['VURTI_SOAK'] === '1';
const CUTS = soak ? 1000 : 50;

/** Lets so many bytes more leave, then cuts the connection, wherever in a frame that is. */
function cutAfter(agent: AgentServer, bytes: number): void {
  let left = bytes;
  agent.tamper = (frame, connection) => {
    left -= frame.length;
    if (left >= 0) return frame;
    agent.tamper = null;
    connection.raw(frame.subarray(0, Math.max(0, frame.length + left)));
    connection.close();
    return Buffer.alloc(0);
  };
}

it(
  `cut ${CUTS} times anywhere in answers and pushes: every call ends, what is pushed comes in order and once, and it connects again`,
  async () => {
    const random = new SeededRandom(7);
    const { agent, fetcher, time } = inMemory();
    const heard = new Heard();
    fetcher.listen(host, heard);
    agent.pieceBytes = 700;
    agent.methods.set('Host.getStats', ({ result }) => {
      time.after(randomInt(random, 0, 400), () => result({ note: 'x'.repeat(randomInt(random, 0, 5000)) }), 'test');
      return hold;
    });
    const calls: Watched[] = [];
    let notifyTime = 0;
    let cuts = 0;
    while (cuts < CUTS) {
      await time.runUntil(() => heard.log.at(-1) !== 'lost' && heard.log.length > 0, { within: 120_000 });
      const losses = heard.losses.length;
      cutAfter(agent, randomInt(random, 0, 12_000));
      // In the middle of it all; when little is said, the connection is cut while it is idle.
      for (let step = 0; step < 40 && heard.losses.length === losses; step++) {
        if (random.next() < 0.5) calls.push(ask(fetcher, 'Host.getStats'));
        if (random.next() < 0.7) {
          notifyTime += 1;
          agent.push(`|virt|VM_status|vm-${step}`, { [`vm-${step}`]: { status: 'Up' } }, notifyTime);
        }
        await time.runFor(randomInt(random, 0, 100));
      }
      agent.tamper = null;
      if (heard.losses.length === losses) agent.last.close();
      await time.runFor(1);
      expect(heard.losses.length).toBe(losses + 1);
      cuts += 1;
      // Whatever was asked has ended with its connection, but for what waits for the next one.
      await time.runFor(35_000);
      expect(calls.filter((call) => call.ended === 'no')).toEqual([]);
    }
    expect(heard.breaches()).toEqual([]);
    const times = heard.pushes.map((push) => push.notifyTime ?? -1);
    expect(times.every((at, i) => i === 0 || at > (times[i - 1] ?? -1))).toBe(true);
    expect(times.length).toBeGreaterThan(CUTS);
    const codes = new Set(calls.map((call) => call.error?.code));
    expect([...codes].filter((code) => code !== undefined && code !== 'AGENT_NETWORK')).toEqual([]);
    expect(calls.some((call) => call.error === null)).toBe(true);
    await fetcher.close();
    await time.runFor(1000);
    expect([...time.waiting().keys()].filter((label) => label !== 'test')).toEqual([]);
    expect(agent.open).toEqual([]);
  },
  soak ? 3_600_000 : 60_000,
);
