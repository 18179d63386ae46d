import { describe, expect, it } from 'vitest';
import type { Telemetry } from '../../../src/kernel/index.js';
import { silentTelemetry } from '../../../src/kernel/index.js';
import { patient } from '../support/calls.js';
import { host, type Json } from '../support/fixtures.js';
import { answer, corpus, simulated } from './answers.js';
import { Chain, ScriptedAgent } from './chain.js';

const ID = '6f0c9d5e-0000-4000-8000-000000000000';
const vms = corpus();

/** One agent, asked for one list after the other. */
function asked(telemetry?: Telemetry) {
  const agent = new ScriptedAgent(ID, telemetry);
  return {
    agent,
    ask: (list: readonly unknown[] | string, at = host) => {
      agent.body = Buffer.from(typeof list === 'string' ? list : answer(JSON.stringify(list)));
      return agent.getAllVmStats(at, patient());
    },
  };
}

const withMember = (index: number, more: Json): Json[] => vms.map((vm, i) => (i === index ? { ...vm, ...more } : vm));
const all = vms.length;

describe('the objects of a host’s VMs', () => {
  it('stay while figures alone differ, with a new version', async () => {
    const { ask } = asked();
    const [first] = (await ask(vms)).all();
    const before = [first?.figuresVersion, first?.statistics()?.cpuUser];
    const next = await ask(withMember(0, { cpuUser: '77.50', statusTime: '99', cpuUsage: '1' }));
    expect(next.all()[0]).toBe(first);
    expect(next.changed()).toEqual([]);
    expect(before).toEqual([0, 14.27]);
    expect([first?.figuresVersion, first?.statistics()?.cpuUser, first?.timestamp]).toEqual([1, 77.5, 99]);
  });

  it('are new for a VM with another text in its state, whose figures are followed on', async () => {
    const { agent, ask } = asked();
    const [first] = (await ask(vms)).all();
    const [second] = (await ask(withMember(0, { clientIp: '10.0.0.123', cpuUser: '77.50' }))).all();
    expect(second).not.toBe(first);
    const third = await ask(withMember(0, { clientIp: '10.0.0.123', cpuUser: '178.5', elapsedTime: '5' }));
    expect([third.all()[0] === second, third.changed()]).toEqual([true, []]);
    expect(second?.statistics()).toMatchObject({ cpuUser: 178.5, elapsedSeconds: 5 });
    expect(second?.dynamic.clientIp).toBe('10.0.0.123');
    // A text that says whether a number counts.
    const [fourth] = (await ask(withMember(0, { clientIp: '10.0.0.123', cpuUser: '3', cpuActual: 'false' }))).all();
    const [fifth] = (await ask(withMember(0, { clientIp: '10.0.0.123', cpuUser: '4', cpuActual: 'false' }))).all();
    expect([fourth?.statistics()?.cpuUser, fifth?.statistics()?.cpuUser]).toEqual([null, null]);
    expect(agent.read).toBe(5);
  });

  it('keep their version while only the time and what nobody reads differ', async () => {
    const { ask } = asked();
    const [first] = (await ask(vms)).all();
    await ask(withMember(0, { statusTime: '99', cpuUsage: '13915170000001' }));
    expect([first?.figuresVersion, first?.timestamp]).toEqual([0, 99]);
  });

  it.each(['username', 'clientIp', 'session', 'guestFQDN', 'guestName', 'guestOs', 'vmName', 'hash', 'pauseCode'])(
    'are read right whatever text stands at %s, beside others',
    async (name) => {
      const agent = new Chain(host, ID);
      const texts = ['a', 'None', ' localhost ', '', 'b'.repeat(300), 'é😀', '\ufffd', 'with "quotes"', 'a', '0', ' '];
      for (const [n, value] of texts.entries()) {
        for (const clientIp of ['10.0.0.1', `10.0.0.${n}`]) {
          const list = withMember(0, { clientIp, [name]: value, cpuUser: `${n}.5` });
          expect(await agent.step(Buffer.from(answer(JSON.stringify(list))))).toBeNull();
        }
      }
      // Bytes that are no text are replaced on either way.
      const bytes = Buffer.from(answer(JSON.stringify(withMember(0, { [name]: 'x#y' }))));
      expect(await agent.step(Buffer.from(bytes))).toBeNull();
      bytes[bytes.indexOf('x#y') + 1] = 0xc3;
      expect(await agent.step(bytes)).toBeNull();
    },
  );

  it('share all but the text that differs', async () => {
    const { ask } = asked();
    const [first] = (await ask(vms)).all();
    const next = await ask(withMember(0, { username: 'somebody else' }));
    const [second] = next.all();
    expect(next.changed()).toEqual([second]);
    expect(second?.dynamic).toEqual({ ...first?.dynamic, guestUser: 'somebody else' });
    expect([second?.guestInterfaces(), second?.dynamic.graphics]).toEqual([
      first?.guestInterfaces(),
      first?.dynamic.graphics,
    ]);
    expect(second?.guestInterfaces()).toBe(first?.guestInterfaces());
    expect(second?.dynamic.graphics).toBe(first?.dynamic.graphics);
  });

  it('are read right where texts are longer than 16 bits can say', async () => {
    const agent = new Chain(host, ID);
    const texts = ['x', 'y'.repeat(70_000), 'z'.repeat(70_000), 'w', 'v'.repeat(65_535), 'u'.repeat(65_536), 't'];
    // Nobody reads the one; the other stands between two numbers.
    for (const name of ['cpuUsage', 'appsNote']) {
      for (const [n, value] of texts.entries()) {
        const list = withMember(0, { [name]: value, cpuUser: `${n}.5`, zLast: n });
        expect(await agent.step(Buffer.from(answer(JSON.stringify(list))))).toBeNull();
      }
    }
  });

  it('are others where the state is another, and those alone', async () => {
    const { ask } = asked();
    const before = (await ask(vms)).all();
    const next = await ask(withMember(1, { clientIp: '10.0.0.1' }));
    expect(next.changed()).toEqual([next.all()[1]]);
    expect(next.all().map((vm, i) => vm === before[i])).toEqual(vms.map((_, i) => i !== 1));
    expect(before[1]?.dynamic.clientIp).not.toBe('10.0.0.1');
  });

  it('stay when VMs before them come, go and change places', async () => {
    const { agent, ask } = asked();
    const before = await ask(vms);
    const [one, two, ...rest] = vms;
    const came = { ...one, vmId: 'new' };
    for (const list of [[two, ...rest], [came, one, two, ...rest], [...rest, two, one], vms]) {
      const next = await ask(list);
      for (const vm of next.all())
        if (vm.vmId !== 'new' && vm.vmId !== one?.['vmId']) expect(vm).toBe(before.get(vm.vmId));
      expect([...next.ids()]).toEqual(list.map((vm) => vm?.['vmId']));
    }
    expect(agent.read).toBe(5);
  });

  it('are all others after a broken answer, and none after a failed call', async () => {
    const { agent, ask } = asked();
    const before = (await ask(vms)).all();
    agent.body = Buffer.from('{"jsonrpc":"2.0","error":{"code":99,"message":"recovering"},"id":null}');
    await expect(agent.getAllVmStats(host, patient())).rejects.toMatchObject({ code: 'AGENT_RECOVERING' });
    await expect(ask(answer(JSON.stringify(vms)).slice(0, -20))).rejects.toMatchObject({ code: 'AGENT_BAD_ANSWER' });
    const next = await ask(vms);
    expect(next.changed()).toHaveLength(all);
    expect(next.all().some((vm, i) => vm === before[i])).toBe(false);
  });

  it('are forgotten with the host, and when it has another address', async () => {
    const { agent, ask } = asked();
    await ask(vms);
    expect((await ask(vms)).changed()).toHaveLength(0);
    agent.release(host.id);
    expect((await ask(vms)).changed()).toHaveLength(all);
    const elsewhere = await ask(vms, { ...host, address: '10.9.9.9' });
    expect(elsewhere.changed()).toHaveLength(all);
  });

  it('a guest’s disks are listed anew only when they differ', async () => {
    const { ask } = asked();
    const usage = (used: number) => ({ disksUsage: [{ path: '/', fs: 'xfs', total: 100, used }] });
    const [vm] = (await ask(withMember(0, usage(50)))).all();
    const before = vm?.statistics()?.disksUsage;
    await ask(withMember(0, { ...usage(50), cpuUser: '1.00' }));
    expect(vm?.statistics()?.disksUsage).toBe(before);
    await ask(withMember(0, usage(51)));
    expect(vm?.statistics()?.disksUsage).toEqual([{ path: '/', fs: 'xfs', total: '100', used: '51' }]);
  });
});

describe('cross-checks', () => {
  it('every thousandth answer of a host is read in both ways', async () => {
    const counted = new Map<string, number>();
    const telemetry = { ...silentTelemetry, count: (name: string) => counted.set(name, (counted.get(name) ?? 0) + 1) };
    const { agent, ask } = asked(telemetry);
    const [body] = await simulated(1, 2);
    for (let n = 0; n < 1100; n++) await ask(body ?? '');
    expect(agent.read).toBe(1100);
    expect([...counted]).toEqual([]);
  });

  it('a host whose answers are not the same in both ways is parsed from then on', async () => {
    const counted: string[] = [];
    const logged: unknown[] = [];
    const { agent, ask } = asked({
      ...silentTelemetry,
      count: (name) => counted.push(name),
      log: (level, _, fields) => logged.push([level, fields]),
    });
    const list = [{ vmId: 'v1', status: 'Up', clientIp: '10.0.0.1' }];
    await ask(list);
    // Bytes that change under the reader's hands: what it holds them to say is no longer what it decoded.
    agent.body.write('2', agent.body.indexOf('10.0.0.1') + 7);
    const tampered = answer(JSON.stringify([{ ...list[0], clientIp: '10.0.0.2' }]));
    expect((await ask(tampered)).get('v1')?.dynamic.clientIp).toBe('10.0.0.1');
    for (let n = 0; n < 1000; n++) await ask(tampered);
    expect((await ask(tampered)).get('v1')?.dynamic.clientIp).toBe('10.0.0.2');
    expect(counted).toEqual(['vurti_vm_answer_differences_total']);
    expect(logged).toEqual([['error', { host: host.id, at: 'v1.dynamic.clientIp' }]]);
    const { read } = agent;
    await ask(tampered);
    expect(agent.read).toBe(read);
  });
});
