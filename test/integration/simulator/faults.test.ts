import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { seconds } from '../../../src/kernel/index.js';
import { eventually, serve, stateAfter } from './support.js';

/** Long enough to be sure that nothing comes on loopback. */
const QUIET_MS = 150;

it('hang: connects, never answers; recovering lets the waiting ones go and answers again', async () => {
  await using served = await serve();
  const caller = served.caller();
  await caller.call('Host.ping2');
  served.fleet.host('kvm-01').hang();
  const [onOld, onNew] = [caller.call('Host.ping2'), served.caller().call('Host.ping2')];
  const settled = Promise.allSettled([onOld, onNew]);
  expect([await stateAfter(QUIET_MS, onOld), await stateAfter(0, onNew)]).toEqual(['waiting', 'waiting']);
  expect(await served.caller('kvm-02').call('Host.ping2')).toMatchObject({ result: true });
  served.fleet.host('kvm-01').recover();
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await caller.call('Host.ping2')).toMatchObject({ result: true });
});

it('refuse: the port is closed and open connections end; recovering opens the same port', async () => {
  await using served = await serve();
  const caller = served.caller();
  const before = served.server.endpoints();
  await caller.call('Host.ping2');
  served.fleet.host('kvm-01').refuse();
  expect(await stateAfter(QUIET_MS, served.caller().call('Host.ping2'))).toBe('ECONNREFUSED');
  expect(await stateAfter(QUIET_MS, caller.call('Host.ping2'))).toMatch(/ECONNREFUSED|ECONNRESET/);
  served.fleet.host('kvm-01').recover();
  const answered = async (): Promise<boolean> =>
    (await stateAfter(500, served.caller().call('Host.ping2'))) === 'answered';
  expect(await eventually(answered)).toBe(true);
  expect(served.server.endpoints()).toEqual(before);
});

it('refuse and recover in one breath end open', async () => {
  await using served = await serve();
  for (let i = 0; i < 10; i++) {
    served.fleet.host('kvm-01').refuse();
    served.fleet.host('kvm-01').recover();
  }
  const answered = async (): Promise<boolean> =>
    (await stateAfter(500, served.caller().call('Host.ping2'))) === 'answered';
  expect(await eventually(answered)).toBe(true);
});

it('a port that somebody took meanwhile is asked for until it is free', async () => {
  const problems: string[] = [];
  await using served = await serve({ onProblem: (message) => problems.push(message) });
  const port = served.server.endpoints()[0]?.port ?? 0;
  served.fleet.host('kvm-01').refuse();
  const thief = createServer();
  const listening = async (): Promise<boolean> =>
    new Promise((resolve) => {
      thief.once('error', () => resolve(false));
      thief.listen(port, '127.0.0.1', () => resolve(true));
    });
  expect(await eventually(listening)).toBe(true);
  served.fleet.host('kvm-01').recover();
  expect(await eventually(() => problems.length > 0)).toBe(true);
  expect(problems[0]).toMatch(/kvm-01 cannot listen .* EADDRINUSE/);
  await new Promise((resolve) => thief.close(resolve));
  await served.time.runFor(seconds(1));
  const answered = async (): Promise<boolean> =>
    (await stateAfter(500, served.caller().call('Host.ping2'))) === 'answered';
  expect(await eventually(answered)).toBe(true);
});

it('garbage: something else each time, never an answer', async () => {
  await using served = await serve();
  served.fleet.host('kvm-01').garbage();
  const caller = served.caller();
  const bodies = new Set<string>();
  for (let i = 0; i < 10; i++) {
    const reply = await caller.post('{"jsonrpc":"2.0","id":"mine","method":"Host.getStats"}');
    expect(reply.status).toBe(200);
    expect(reply.body).not.toContain('"mine"');
    bodies.add(reply.body);
  }
  expect(bodies.size).toBe(5);
  served.fleet.host('kvm-01').recover();
  expect(await caller.call('Host.ping2')).toMatchObject({ result: true });
});

it('cut: the connection breaks in the middle of the body', async () => {
  await using served = await serve();
  served.fleet.host('kvm-01').cut();
  expect(await stateAfter(1000, served.caller().call('Host.getAllVmStats'))).toBe('ECONNRESET');
});

it('slow: a good answer, late', async () => {
  await using served = await serve();
  served.fleet.host('kvm-01').slow(9000);
  const answer = served.caller().call('Host.ping2');
  expect(await stateAfter(QUIET_MS, answer)).toBe('waiting');
  await served.time.runFor(seconds(8.9));
  expect(await stateAfter(QUIET_MS, answer)).toBe('waiting');
  await served.time.runFor(seconds(0.1));
  expect(await answer).toMatchObject({ result: true });
});

it('slow: a caller who gives up leaves no timer', async () => {
  await using served = await serve();
  served.fleet.host('kvm-01').slow(9000);
  const caller = served.caller();
  const answer = stateAfter(5000, caller.call('Host.ping2'));
  expect(await eventually(() => served.time.waiting().has('simulator-wire'))).toBe(true);
  caller[Symbol.dispose]();
  expect(await answer).toBe('ECONNRESET');
  expect(await eventually(() => !served.time.waiting().has('simulator-wire'))).toBe(true);
});

it('loris: the body comes byte by byte, and is right in the end', async () => {
  await using served = await serve();
  served.fleet.host('kvm-01').loris();
  const answer = served.caller().call('Host.ping2');
  expect(await stateAfter(QUIET_MS, answer)).toBe('waiting');
  await served.time.runFor(seconds(120));
  expect(await answer).toMatchObject({ result: true });
});

it('error: every call fails with the code', async () => {
  await using served = await serve();
  served.fleet.host('kvm-01').fail(5022, 'Message timeout');
  expect(await served.caller().call('Host.getStats')).toMatchObject({
    error: { code: 5022, message: 'Message timeout' },
  });
});

it('agent restart: refused, then 99, then well', async () => {
  await using served = await serve();
  served.fleet.host('kvm-01').restartAgent(seconds(20));
  expect(await stateAfter(QUIET_MS, served.caller().call('Host.ping2'))).toBe('ECONNREFUSED');
  await served.time.runFor(seconds(5));
  const code = async (): Promise<unknown> => {
    const answer = await served
      .caller()
      .call('Host.ping2')
      .catch((): Record<string, unknown> => ({}));
    return (answer['error'] as { code?: number } | undefined)?.code;
  };
  expect(await eventually(async () => (await code()) === 99)).toBe(true);
  await served.time.runFor(seconds(20));
  expect(await served.caller().call('Host.ping2')).toMatchObject({ result: true });
});

describe('a host without power', () => {
  it('refuses, and comes back empty', async () => {
    await using served = await serve();
    served.fleet.host('kvm-01').powerOff();
    expect(await stateAfter(QUIET_MS, served.caller().call('Host.ping2'))).toBe('ECONNREFUSED');
    served.fleet.host('kvm-01').recover();
    const answered = async (): Promise<boolean> =>
      (await stateAfter(500, served.caller().call('Host.ping2'))) === 'answered';
    expect(await eventually(answered)).toBe(true);
    expect(await served.caller().call('Host.getAllVmStats')).toMatchObject({ result: [] });
  });

  it('refuses from the start, when it is off by then', async () => {
    await using served = await serve();
    await served.server.stop();
    served.fleet.host('kvm-01').powerOff();
    await served.server.start();
    expect(await stateAfter(QUIET_MS, served.caller('kvm-01').call('Host.ping2'))).toBe('ECONNREFUSED');
    expect(await served.caller('kvm-02').call('Host.ping2')).toMatchObject({ result: true });
  });
});
