import { expect, it } from 'vitest';
import { SeededRandom, seconds, silentTelemetry, type Telemetry } from '../../src/kernel/index.js';
import { createTestMonitor, FakeFetcher, type FakeVm } from '../../src/testing/index.js';

const CUTS = process.env['VURTI_SOAK'] === '1' ? 1000 : 50;
const VMS = ['a', 'b', 'c', 'd', 'e', 'f'];
const states: readonly FakeVm[] = [
  { status: 'Up', pauseStatus: 'NONE' },
  { status: 'Paused', pauseStatus: 'EIO' },
  { status: 'RebootInProgress', pauseStatus: 'NONE' },
  { status: 'Down', exitStatus: 'Normal', pauseStatus: 'NONE' },
];

/** What an agent announces whenever it happens: an end, a reboot, a pause on error, a start. */
function isAnnounced(from: string, to: string): boolean {
  if (from === to) return false;
  return from === 'Down' ? to === 'Up' : to !== 'Up';
}

it(`the connection cut ${CUTS} times during pushes: after each reconnect the state is the agent’s, and gaps are counted`, async () => {
  const random = new SeededRandom(42);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random.next() * of.length)] as T;
  let gaps = 0;
  const telemetry: Telemetry = {
    ...silentTelemetry,
    count: (name, by = 1) => {
      if (name === 'vurti_push_gaps_total') gaps += by;
    },
  };
  const agents = new FakeFetcher({ pushes: true, advance: true });
  agents.host('kvm', { vms: Object.fromEntries(VMS.map((id) => [id, {}])) });
  await using t = await createTestMonitor({ fetcher: agents, telemetry });
  const agent = agents.on('kvm');
  const truth = () => VMS.map((id) => agent.vms.get(id)?.status ?? 'Up');
  const known = () => VMS.map((id) => t.vm(id).status);
  await t.clock.runFor(seconds(40));

  let lost = 0;
  for (let cut = 0; cut < CUTS; cut++) {
    const before = Math.floor(random.next() * 6);
    for (let i = 0; i < before; i++) {
      agent.announce(pick(VMS), pick(states));
      await t.clock.runFor(random.next() * seconds(4));
    }
    expect(known()).toEqual(truth());
    // As on a wire: no connection, no answer about VMs either.
    const heard = truth();
    agent.disconnect().refuse('Host.getAllVmStats');
    for (let i = Math.floor(random.next() * 5); i > 0; i--) {
      agent.announce(pick(VMS), pick(states));
      await t.clock.runFor(random.next() * seconds(1));
    }
    lost += truth().filter((to, i) => isAnnounced(heard[i] ?? '', to)).length;
    agent
      .recover('Host.getAllVmStats')
      .slow(random.next() * 500, 'Host.getAllVmStats')
      .reconnect();
    // Some are pushed while the poll is on its way.
    if (random.next() < 0.5) {
      await t.clock.runFor(random.next() * 200);
      const vm = pick(VMS);
      const was = heard[VMS.indexOf(vm)] ?? '';
      const now = agent.vms.get(vm)?.status ?? 'Up';
      // Unless the poll was there before it.
      const missed = isAnnounced(was, now) && t.vm(vm).status !== now;
      agent.announce(vm, pick(states));
      // What is pushed after all is not missed.
      if (missed) lost -= 1;
    }
    await t.clock.runFor(seconds(1));
    agent.slow(0);
    expect(known()).toEqual(truth());
    expect(gaps).toBe(lost);
  }
  expect(lost).toBeGreaterThan(CUTS / 2);
  expect(t.events('kvm').filter(({ name }) => name === 'VDS_PUSHES_MISSED').length).toBeGreaterThan(0);
  expect(t.monitor.status().pushes).toMatchObject({ hosts: 1, healthy: 1 });
}, 600_000);
