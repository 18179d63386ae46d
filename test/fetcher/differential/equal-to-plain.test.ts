import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { host } from '../support/fixtures.js';
import { answer, corpus, simulated } from './answers.js';
import { Chain } from './chain.js';
import { Agent, change } from './mutate-answer.js';

const ID = '6f0c9d5e-0000-4000-8000-000000000000';
const soak = process.env['VURTI_SOAK'] === '1';
const perChain = 50;
const chains = soak ? 60_000 : 400;

/** Two VMs of each chain, from those of the corpus. */
const all = corpus().map((vm) => JSON.stringify(vm));
const vms = fc.shuffledSubarray(all, { minLength: 2, maxLength: 3 });

describe('an answer read beside the one before', () => {
  it('is the same as that answer parsed, whatever was changed', async () => {
    const steps = fc.array(fc.array(change, { minLength: 1, maxLength: 2 }), {
      minLength: perChain,
      maxLength: perChain,
    });
    let read = 0;
    await fc.assert(
      fc.asyncProperty(vms, steps, async (start, list) => {
        const chain = new Chain(host, ID);
        const agent = new Agent(start, all);
        for (const changes of list) {
          const body = agent.next(changes);
          const wrong = await chain.step(body);
          if (wrong !== null) throw new Error(`${wrong}\nof ${body.toString()}`);
        }
        read += chain.agent.read;
      }),
      { numRuns: chains },
    );
    // Most of them must have been read in the way that is on trial.
    expect(read).toBeGreaterThan((chains * perChain) / 2);
  });

  it('is the same as that answer parsed for a simulated host, and its objects stay', async () => {
    const bodies = await simulated(40, 8);
    const chain = new Chain(host, ID);
    for (const body of bodies) expect(await chain.step(Buffer.from(body))).toBeNull();
    expect(chain.agent.read).toBe(bodies.length);
  });

  it('is the same for pretty and for empty answers', async () => {
    const chain = new Chain(host, ID);
    const bodies = [answer('[]'), answer(JSON.stringify(corpus(), null, 2)), answer(' [ ] '), answer('[\n]')];
    for (const body of [...bodies, ...bodies]) expect(await chain.step(Buffer.from(body))).toBeNull();
    expect(chain.agent.read).toBe(8);
  });
});
