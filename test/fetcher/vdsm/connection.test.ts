import { expect, it } from 'vitest';
import { hold } from './support/agent-server.js';
import { ask, Heard, host, inMemory } from './support/client.js';

const events = (vm: string, status: string) => [`|virt|VM_status|${vm}`, { [vm]: { status } }] as const;

it('connects at the first call: CONNECT first and exactly, then the private subscription, then the request', async () => {
  const { agent, fetcher, sockets, time } = inMemory();
  await time.runFor(60_000);
  expect(sockets.attempts).toEqual([]);
  const call = ask(fetcher);
  await time.runFor(0);
  expect(call.value).toBe(true);
  const { frames, bytes } = agent.last;
  expect(frames.map((frame) => frame.command)).toEqual(['CONNECT', 'SUBSCRIBE', 'SEND']);
  expect(bytes.toString('latin1').startsWith('CONNECT\n')).toBe(true);
  expect(Object.fromEntries(frames[0]!.headers)).toEqual({
    'accept-version': '1.2',
    host: 'vurti',
    'heart-beat': '30000,15000',
  });
  const replyTo = frames[1]?.headers.get('destination');
  expect(replyTo).toMatch(/^vurti\.[0-9a-f-]{36}$/);
  expect(frames[2]?.headers.get('reply-to')).toBe(replyTo);
  expect(frames[2]?.headers.get('destination')).toBe('jms.topic.vdsm_requests');
  expect(JSON.parse(String(frames[2]?.body))).toEqual({
    jsonrpc: '2.0',
    method: 'Host.ping2',
    params: {},
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

it('one connection serves all calls; it stays', async () => {
  const { agent, fetcher, time } = inMemory();
  for (let i = 0; i < 5; i++) {
    ask(fetcher);
    await time.runFor(15_000);
  }
  expect(agent.connections).toHaveLength(1);
  expect(agent.requests).toHaveLength(5);
});

it('a listener hears connected, pushes in order, lost, and from the start again', async () => {
  const { agent, fetcher, time } = inMemory();
  const heard = new Heard();
  const subscription = fetcher.listen(host, heard);
  expect(heard.log).toEqual([]);
  await time.runFor(0);
  expect(heard.log).toEqual(['connected']);
  agent.push(...events('a', 'Up'));
  agent.push(...events('a', 'Paused'));
  await time.runFor(0);
  agent.last.close();
  await time.runFor(0);
  agent.push(...events('a', 'Down'));
  await time.runFor(5000);
  agent.push(...events('a', 'Up'));
  await time.runFor(0);
  expect(heard.log).toEqual(['connected', 'pushed', 'pushed', 'lost', 'connected', 'pushed']);
  expect(heard.losses[0]).toMatchObject({ code: 'AGENT_NETWORK' });
  subscription.close();
  agent.push(...events('a', 'Up'));
  await time.runFor(60_000);
  expect(heard.log).toHaveLength(6);
  expect(agent.open).toHaveLength(1);
  expect(agent.subscriptions.has('jms.queue.events')).toBe(false);
});

it('in flight are as many as allowed; the others wait', async () => {
  const { agent, fetcher, time } = inMemory();
  agent.methods.set('Host.ping2', () => hold);
  const calls = [1, 2, 3, 4, 5].map(() => ask(fetcher));
  await time.runFor(1000);
  expect(agent.requests).toHaveLength(2);
  agent.requests[1]?.result(true);
  await time.runFor(0);
  expect(calls.map((call) => call.ended)).toEqual(['no', 'yes', 'no', 'no', 'no']);
  expect(agent.requests).toHaveLength(3);
});
