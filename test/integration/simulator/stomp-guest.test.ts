import { expect, it } from 'vitest';
import { observerMethods } from '../../../src/model/index.js';
import { createMonitor, type Monitor, type MonitorOptions } from '../../../src/monitor/index.js';
import { type ClientFrame, type Simulation, startSimulation } from '../../../src/simulator/index.js';
import { EngineClient } from '../../support/engine-client.js';
import { eventually } from './support.js';

const HOSTS = 2;
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

interface Shared {
  readonly simulation: Simulation;
  readonly monitor: Monitor;
  readonly engines: readonly EngineClient[];
  /** Of all connections but the engines'. */
  readonly frames: ClientFrame[];
  readonly advice: string[];
}

/** A lively fleet with an engine on every host, and then our monitor on the same agents. */
async function sharing(options: Partial<MonitorOptions>, work: (shared: Shared) => Promise<void>): Promise<void> {
  const all: ClientFrame[] = [];
  await using simulation = await startSimulation({
    ...{ hosts: HOSTS, vms: 16, protocol: 'vdsm', tls: true, pace: 0.02, downDomains: 'keep', sampleMs: 500 },
    ...{ life: { devices: 3600, guest: 7200, pause: 1800 }, faults: { nic: 1800 } },
    onFrame: (frame) => all.push(frame),
  });
  const endpoints = simulation.endpoints();
  const engines = await Promise.all(endpoints.map((endpoint) => EngineClient.open(endpoint)));
  const frames: ClientFrame[] = [];
  const advice: string[] = [];
  try {
    expect(await eventually(() => engines.every((engine) => engine.unanswered === 0))).toBe(true);
    const theirs = new Set(all.map(({ host, connection }) => `${host} ${connection}`));
    await using monitor = await createMonitor({
      hosts: endpoints,
      settings: { poll: { intervalSeconds: 1, deadlineSeconds: 0.9 } },
      intentHandler: {
        handle: (intent) => {
          advice.push(intent.intent);
          return Promise.resolve(true);
        },
      },
      ...options,
    });
    await monitor.start();
    await monitor.until('synced', { timeoutSeconds: 30 });
    await work({ simulation, monitor, engines, frames, advice });
    frames.push(...all.filter(({ host, connection }) => !theirs.has(`${host} ${connection}`)));
  } finally {
    for (const engine of engines) await engine[Symbol.asyncDispose]();
  }
  const ours = new Set(all.map(({ host, connection }) => `${host} ${connection}`)).size - HOSTS;
  expect(ours).toBeGreaterThanOrEqual(HOSTS);
  checkForm(frames);
}

/** All that a VDSM takes ill, or that others would see. */
function checkForm(frames: readonly ClientFrame[]): void {
  const ids = new Set<unknown>();
  const calls = frames.filter(({ command }) => command === 'SEND');
  expect(new Set(frames.map(({ command }) => command))).toEqual(new Set(['CONNECT', 'SUBSCRIBE', 'SEND']));
  for (const { headers } of frames.filter(({ command }) => command === 'CONNECT')) {
    expect(headers.get('accept-version')).toBe('1.2');
  }
  for (const { headers } of frames.filter(({ command }) => command === 'SUBSCRIBE')) {
    expect(headers.get('destination')).toMatch(new RegExp(`^(vurti\\.${UUID}|jms\\.queue\\.events)$`));
  }
  for (const { headers, body } of calls) {
    expect(headers.get('destination')).toBe('jms.topic.vdsm_requests');
    expect(headers.get('reply-to')).toMatch(new RegExp(`^vurti\\.${UUID}$`));
    const request = JSON.parse(body) as Record<string, unknown>;
    expect(request).toMatchObject({ jsonrpc: '2.0', id: expect.stringMatching(new RegExp(`^${UUID}$`)) });
    expect(Array.isArray(request['params'])).toBe(false);
    ids.add(request['id']);
  }
  expect(ids.size).toBe(calls.length);
}

const methodsOf = (frames: readonly ClientFrame[]): Set<string> =>
  new Set(
    frames
      .filter(({ command }) => command === 'SEND')
      .map(({ body }) => (JSON.parse(body) as { method: string }).method),
  );

/** Ten cycles of every engine while the monitor polls, with all that makes it ask for more. */
async function busyTime({ simulation, engines }: Shared): Promise<void> {
  const { fleet } = simulation;
  const [first, second] = fleet.hosts().map(({ name }) => name);
  for (let i = 0; i < 10; i++) {
    for (const engine of engines) engine.cycle();
    const vm = fleet.vm(fleet.host(first ?? '').vms()[i % 4] ?? '');
    if (i === 2) fleet.vm(fleet.host(second ?? '').vms()[0] ?? '').crash();
    if (i === 3) fleet.host(first ?? '').nic('eno2', 'down');
    if (i === 6) fleet.host(first ?? '').nic('eno2', 'up');
    if (vm.status === 'Up') vm.changeDevices();
    expect(await eventually(() => engines.every((engine) => engine.unanswered === 0))).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 350));
  }
}

it('beside an engine: it loses nothing, sees no foreign reply, and waits for nobody', async () => {
  let seen: Shared | undefined;
  await sharing({ mode: 'observer' }, async (shared) => {
    seen = shared;
    await busyTime(shared);
    const { simulation, engines } = shared;
    for (const [n, engine] of engines.entries()) {
      const wire = simulation.wire(simulation.endpoints()[n]?.id ?? '');
      // The capabilities, ten cycles, and the VMs in two of them.
      expect([engine.answered, engine.late, engine.foreign, engine.errors]).toEqual([13, 0, [], []]);
      expect(engine.connected).toBe(true);
      expect(await eventually(() => engine.events.length >= (wire?.events ?? 0))).toBe(true);
      expect(wire).toMatchObject({ dead: false, notifications: 0, errors: 0, badFrames: 0, repliesDropped: 0 });
      expect(wire).toMatchObject({ open: 2, overloads: 0, heartBeatsMissed: 0 });
    }
  });
  const methods = methodsOf(seen?.frames ?? []);
  expect([...methods].filter((method) => !(observerMethods as ReadonlySet<string>).has(method))).toEqual([]);
  // Not by saying little: all that an observer asks for was asked for.
  expect([...methods]).toEqual(
    expect.arrayContaining(['Host.getStats', 'Host.getAllVmStats', 'Host.getCapabilities', 'Host.dumpxmls']),
  );
  expect(seen?.advice).toEqual([]);
});

it('a manager acts, and the same watch over its frames sees it', async () => {
  let seen: Shared | undefined;
  await sharing(
    {
      mode: 'manager',
      settings: { poll: { intervalSeconds: 1, deadlineSeconds: 0.9 }, actions: { destroyLeftovers: true } },
    },
    async (shared) => {
      seen = shared;
      const { simulation } = shared;
      const destroyed = (): boolean => simulation.fleet.host(host).vms().length < before;
      const host = simulation.fleet.hosts()[0]?.name ?? '';
      const before = simulation.fleet.host(host).vms().length;
      simulation.fleet.vm(simulation.fleet.host(host).vms()[0] ?? '').crash();
      for (let i = 0; i < 10 && !destroyed(); i++) await eventually(destroyed);
      expect(destroyed()).toBe(true);
    },
  );
  expect([...methodsOf(seen?.frames ?? [])]).toContain('VM.destroy');
});
