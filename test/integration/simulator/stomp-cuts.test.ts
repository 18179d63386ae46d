import { expect, it } from 'vitest';
import type { Change } from '../../../src/events/index.js';
import { SeededRandom, silentTelemetry, type Telemetry } from '../../../src/kernel/index.js';
import { createMonitor } from '../../../src/monitor/index.js';
import { startSimulation } from '../../../src/simulator/index.js';
import { eventually } from './support.js';

const soak = process.env['VURTI_SOAK'] === '1';
/** Hosts are cut beside each other: between two connections of one host there is a second at least. */
const HOSTS = soak ? 40 : 10;
const CUTS = soak ? 1000 : 50;
const ROUNDS = CUTS / HOSTS;
const VMS = soak ? 30 : 12;
/** Bytes after which a connection breaks, at most; what is told in a round is about as long. */
const MOST_BYTES = 3000;
const HAPPENINGS = 12;
const ENDS = 0.1;

it(`${CUTS} connections cut at any byte of their pushes: after the next poll all is as the agents have it, and what was missed is counted`, async () => {
  const gaps = new Map<string, number>();
  const telemetry: Telemetry = {
    ...silentTelemetry,
    count: (name, by = 1, { because = '' } = {}) => {
      if (name === 'vurti_push_gaps_total') gaps.set(String(because), (gaps.get(String(because)) ?? 0) + by);
    },
  };
  await using simulation = await startSimulation({
    ...{ hosts: HOSTS, vms: HOSTS * VMS, protocol: 'vdsm', steady: true, downDomains: 'keep', sampleMs: 1000 },
  });
  const { fleet } = simulation;
  // Asked so seldom by itself that a poll is that of a new connection, or was poked for.
  const intervalSeconds = 120;
  await using monitor = await createMonitor({
    hosts: simulation.endpoints(),
    settings: { poll: { intervalSeconds, deadlineSeconds: 20, maxIntervalSeconds: intervalSeconds } },
    telemetry,
  });
  // The agent tells of each end: one that a poll had to tell of was missed.
  let endsPolled = 0;
  monitor.changes$.subscribe((change: Change) => {
    if (change.name !== 'VmStateChanged' || change.to !== 'Down') return;
    if (change.cause.source.by === 'poll') endsPolled += 1;
  });
  await monitor.start();
  await monitor.until('synced', { timeoutSeconds: 60 });

  const cutAgainAndAgain = async (name: string, seed: number): Promise<void> => {
    const random = new SeededRandom(seed);
    const vms = fleet.host(name).vms();
    const asItIs = (): boolean =>
      vms.every((vm) => (fleet.vm(vm).status ?? 'Down') === monitor.vms.get(fleet.vm(vm).id)?.status);
    const accepted = (): number => simulation.wire(name)?.accepted ?? 0;
    const cameBack = async (before: number): Promise<boolean> => {
      for (let i = 0; i < 30 && accepted() === before; i++) {
        monitor.poke(name);
        await eventually(() => accepted() > before);
      }
      return accepted() > before;
    };
    for (let round = 0; round < ROUNDS; round++) {
      const before = accepted();
      fleet.host(name).disconnect(1 + Math.floor(random.next() * MOST_BYTES));
      for (let i = 0; i < HAPPENINGS; i++) {
        const vm = fleet.vm(vms[Math.floor(random.next() * vms.length)] as string);
        if (vm.status === 'Paused') vm.resume();
        else if (vm.status === 'Up' && random.next() < ENDS) vm.crash();
        else if (vm.status === 'Up') vm.pause();
        if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      expect(await cameBack(before)).toBe(true);
      for (let i = 0; i < 5 && !(await eventually(asItIs)); i++);
      expect(asItIs()).toBe(true);
    }
    expect(simulation.wire(name)).toMatchObject({ dead: false, notifications: 0, errors: 0, badFrames: 0 });
  };
  await Promise.all(
    Array.from({ length: HOSTS }, (_, i) => cutAgainAndAgain(`kvm-${String(i + 1).padStart(2, '0')}`, i)),
  );

  expect(endsPolled).toBeGreaterThan(CUTS / 10);
  expect(Object.fromEntries(gaps)).toEqual({ disconnected: endsPolled });
});
