import { describe, expect, it } from 'vitest';
import { FakeFetcher } from '../../src/fetcher/index.js';
import { seconds, VirtualTime, VurtiError } from '../../src/kernel/index.js';
import { exactCount, observerMethods } from '../../src/model/index.js';
import { failureOf, patient } from './support/calls.js';
import { endpoint, kvm, one, statusOf } from './support/one-host.js';

describe('misbehaving', () => {
  it.each<[string, (agents: FakeFetcher) => unknown, string]>([
    ['refuse', (agents) => agents.on('kvm-07').refuse(), 'AGENT_UNREACHABLE'],
    ['garbage', (agents) => agents.on('kvm-07').garbage(), 'AGENT_BAD_ANSWER'],
    ['code 99', (agents) => agents.on('kvm-07').code(99), 'AGENT_RECOVERING'],
    ['code 1100', (agents) => agents.on('kvm-07').code(1100), 'AGENT_BUSY'],
    ['code 5022', (agents) => agents.on('kvm-07').code(5022), 'AGENT_NETWORK'],
    ['code 7', (agents) => agents.on('kvm-07').code(7), 'AGENT_ERROR'],
  ])('%s until it recovers', async (_, script, code) => {
    const agents = one();
    script(agents);
    expect((await failureOf(agents.getStats(kvm, patient()))).code).toBe(code);
    expect((await failureOf(agents.getAllVmStats(kvm, patient()))).code).toBe(code);
    agents.on('kvm-07').recover();
    expect(await statusOf(agents)).toBe('Up');
  });

  it('of one method alone, and that one recovers alone', async () => {
    const agents = one();
    agents.on('kvm-07').code(7, 'Host.getAllVmStats', 'Host.getVMList');
    expect((await failureOf(agents.getAllVmStats(kvm, patient()))).code).toBe('AGENT_ERROR');
    await expect(agents.getStats(kvm, patient())).resolves.toBeDefined();
    agents.on('kvm-07').recover('Host.getAllVmStats');
    expect(await statusOf(agents)).toBe('Up');
    expect((await failureOf(agents.getVmList(kvm, patient()))).code).toBe('AGENT_ERROR');
  });

  it('a hung call ends by its signal, and stays hung after a recovery', async () => {
    const agents = one();
    const late = new VurtiError('AGENT_TIMEOUT', 'too late');
    const controller = new AbortController();
    agents.on('kvm-07').hang();
    const call = failureOf(agents.getStats(kvm, { signal: controller.signal }));
    agents.on('kvm-07').recover();
    await expect(agents.getStats(kvm, patient())).resolves.toBeDefined();
    controller.abort(late);
    expect(await call).toBe(late);
    expect(await failureOf(agents.getStats(kvm, { signal: controller.signal }))).toBe(late);
  });

  it('a host that nobody made has no name in the network', async () => {
    expect((await failureOf(one().getStats(endpoint('kvm-99'), patient()))).code).toBe('AGENT_UNKNOWN_HOST');
  });

  it('a host is found by its name when its id is another', async () => {
    await expect(one().getStats({ ...kvm, id: '4711' }, patient())).resolves.toBeDefined();
  });

  it('release and close end what hangs', async () => {
    const agents = one().host('kvm-08');
    agents.on('kvm-07').hang();
    agents.on('kvm-08').hang();
    const calls = [kvm, endpoint('kvm-08')].map((host) => failureOf(agents.getStats(host, patient())));
    agents.release('kvm-07');
    expect((await calls[0])?.code).toBe('AGENT_ABORTED');
    await agents.close();
    expect((await calls[1])?.code).toBe('AGENT_ABORTED');
    expect((await failureOf(agents.getStats(kvm, patient()))).code).toBe('AGENT_ABORTED');
  });

  it('obeys an allowlist', async () => {
    const agents = new FakeFetcher({ allowed: observerMethods }).host('kvm-07');
    expect((await failureOf(agents.call(kvm, 'VM.destroy', { vmID: 'a' }, patient()))).code).toBe('OBSERVER_MODE');
    expect(agents.on('kvm-07').count()).toBe(0);
  });
});

describe('changes', () => {
  it('of a VM, of the list, of any field of the agent', async () => {
    const agents = one();
    const agent = agents.on('kvm-07');
    agent.vm('web-03', { status: 'Paused', pauseStatus: 'EIO' }).with('db-01').with('db-02', { status: 'PoweringUp' });
    const report = await agents.getAllVmStats(kvm, patient());
    expect(report.all().map((vm) => [vm.vmId, vm.status, vm.dynamic.pauseStatus])).toEqual([
      ['web-03', 'Paused', 'EIO'],
      ['db-01', 'Up', 'NOERR'],
      ['db-02', 'PoweringUp', 'NOERR'],
    ]);
    agent
      .without('web-03', 'db-01')
      .answers({ stats: { memFree: 17, thpState: undefined }, capabilities: { kvmEnabled: 'false' } });
    agent.answers({ stats: { swapFree: 3 }, hardware: { systemFamily: 'Blade' } });
    expect([...(await agents.getAllVmStats(kvm, patient())).ids()]).toEqual(['db-02']);
    const stats = await agents.getStats(kvm, patient());
    expect(stats.statistics).toMatchObject({ memFree: 17, swapFree: 3 });
    expect(stats.dynamic).toMatchObject({ vmCount: 1, vmActive: 0 });
    expect(stats.dynamic).not.toHaveProperty('transparentHugepagesState');
    expect((await agents.getCapabilities(kvm, patient())).dynamic.kvmEnabled).toBe(false);
    expect((await agents.getHardwareInfo(kvm, patient())).dynamic.hwFamily).toBe('Blade');
  });

  it('without one it says the same again and again', async () => {
    const agents = one();
    const plain = async () => {
      const vms = await agents.getAllVmStats(kvm, patient());
      return [
        await agents.getStats(kvm, patient()),
        vms.all().map((vm) => [vm.dynamic, vm.timestamp, vm.statistics()]),
      ];
    };
    expect(await plain()).toEqual(await plain());
  });
});

describe('time', () => {
  it('a slow agent answers late, with what is true by then; giving up cancels its timer', async () => {
    const time = new VirtualTime();
    const agents = one().bind(time, time);
    agents.on('kvm-07').slow(seconds(9));
    let answer: string | undefined;
    const call = statusOf(agents).then((status) => {
      answer = status;
    });
    await time.runFor(seconds(8));
    expect(answer).toBeUndefined();
    agents.on('kvm-07').vm('web-03', { status: 'Paused' });
    await time.runFor(seconds(1));
    await call;
    expect(answer).toBe('Paused');
    const controller = new AbortController();
    const given = failureOf(agents.getStats(kvm, { signal: controller.signal }));
    await time.runFor(seconds(1));
    controller.abort();
    expect((await given).code).toBe('AGENT_ABORTED');
    expect([...time.waiting()]).toEqual([]);
  });

  it('slow for one method only, and not without a scheduler', async () => {
    const agents = one();
    agents.on('kvm-07').slow(seconds(1), 'Host.getCapabilities');
    await expect(agents.getStats(kvm, patient())).resolves.toBeDefined();
    expect((await failureOf(agents.getCapabilities(kvm, patient()))).message).toContain('needs a scheduler');
  });

  it('calls are remembered with their time', async () => {
    const time = new VirtualTime({ startAt: 1000 });
    const agents = one().bind(time, time);
    await agents.getStats(kvm, patient());
    await time.runFor(500);
    agents.on('kvm-07').refuse();
    await failureOf(agents.dumpXmls(kvm, ['web-03'], patient()));
    const agent = agents.on('kvm-07');
    expect(agent.calls()).toEqual([
      { method: 'Host.getStats', params: {}, at: 1000 },
      { method: 'Host.dumpxmls', params: { vmList: ['web-03'] }, at: 1500 },
    ]);
    expect(agent.calls('Host.getStats')).toHaveLength(1);
    expect([agent.count(), agent.count('Host.dumpxmls'), agent.count('VM.destroy')]).toEqual([2, 1, 0]);
  });

  it('the agent’s wall clock is the test’s; counters stand still unless they are to advance', async () => {
    const time = new VirtualTime();
    const still = one().bind(time, time);
    const moving = new FakeFetcher({ advance: true, clock: time, scheduler: time }).host('kvm-07', {
      vms: { 'web-03': {} },
    });
    const look = async (agents: FakeFetcher) => {
      const host = await agents.getStats(kvm, patient());
      const vm = (await agents.getAllVmStats(kvm, patient())).get('web-03');
      return {
        clock: host.agentTime,
        rx: exactCount(host.nics[0]?.rxBytes ?? 0) ?? 0n,
        sampled: host.nics[0]?.sampleTime ?? 0,
        boot: host.statistics.bootTime,
        event: vm?.timestamp ?? 0,
        elapsed: vm?.statistics()?.elapsedSeconds ?? 0,
        vmRx: exactCount(vm?.statistics()?.nics?.[0]?.rxBytes ?? 0) ?? 0n,
      };
    };
    const [before, movingBefore] = [await look(still), await look(moving)];
    await time.runFor(seconds(60));
    const [after, movingAfter] = [await look(still), await look(moving)];
    expect(after).toEqual({ ...before, clock: time.now() });
    expect(movingAfter).toEqual({
      clock: time.now(),
      rx: movingBefore.rx + 75_000_000n,
      sampled: movingBefore.sampled + 60,
      boot: movingBefore.boot,
      event: movingBefore.event + 60_000,
      elapsed: movingBefore.elapsed + 60,
      vmRx: movingBefore.vmRx + 750_000n,
    });
  });
});
