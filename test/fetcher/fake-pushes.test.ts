import { describe, expect, it } from 'vitest';
import { FakeFetcher, type FakeFetcherOptions, type PushListener } from '../../src/fetcher/index.js';
import { seconds, VirtualTime } from '../../src/kernel/index.js';
import type { AgentPush, HostEndpoint } from '../../src/model/index.js';
import { patient } from './support/calls.js';

const kvm: HostEndpoint = {
  ...{ id: 'kvm-07', name: 'kvm-07', address: 'kvm-07.example.test', port: 54_321 },
  protocol: 'vdsm',
  tls: null,
};

/** Writes down what it hears. */
class Ear implements PushListener {
  readonly heard: string[] = [];
  readonly pushes: AgentPush[] = [];
  connected(): void {
    this.heard.push('connected');
  }
  pushed(push: AgentPush): void {
    this.heard.push(push.kind);
    this.pushes.push(push);
  }
  lost(error: Error): void {
    this.heard.push(`lost: ${(error as Error & { code: string }).code}`);
  }
}

async function listening(options: FakeFetcherOptions = { pushes: true }) {
  const agents = new FakeFetcher(options).host('kvm-07', { vms: { 'web-03': {} } });
  const ear = new Ear();
  const subscription = agents.listen(kvm, ear);
  await Promise.resolve();
  return { agents, agent: agents.on('kvm-07'), ear, subscription };
}

const vmOf = (push: AgentPush | undefined) => (push?.kind === 'vmStatus' ? push.vms[0] : undefined);

describe('listening', () => {
  it('is connected later than it is asked for, then hears each push in order', async () => {
    const agents = new FakeFetcher({ pushes: true }).host('kvm-07');
    const ear = new Ear();
    agents.listen(kvm, ear);
    expect(ear.heard).toEqual([]);
    await Promise.resolve();
    agents.on('kvm-07').push({ method: '|net|host_conn|no_id' }).pushStatus('a', { status: 'Up' });
    expect(ear.heard).toEqual(['connected', 'hostConnection', 'vmStatus']);
  });

  it('hears nothing while the connection is cut', async () => {
    const { agent, ear } = await listening();
    agent.disconnect().pushStatus('web-03', { status: 'Paused' }).disconnect().reconnect().reconnect();
    agent.pushStatus('web-03', { status: 'Up' });
    expect(ear.heard).toEqual(['connected', 'lost: AGENT_UNREACHABLE', 'connected', 'vmStatus']);
  });

  it('hears nothing after it has closed', async () => {
    const { agent, ear, subscription } = await listening();
    subscription?.close();
    agent.pushStatus('web-03', { status: 'Up' }).disconnect().reconnect();
    expect(ear.heard).toEqual(['connected']);
  });

  it('an agent that was not told to push begins with its first', async () => {
    const { agent, ear } = await listening({});
    expect(ear.heard).toEqual([]);
    agent.pushStatus('web-03', { status: 'Up' });
    expect(ear.heard).toEqual(['connected', 'vmStatus']);
  });

  it('an agent that refuses has no connection, one that recovers (99) drops what it would say', async () => {
    const { agent, ear } = await listening();
    agent.refuse().pushStatus('web-03', { status: 'Up' }).recover();
    agent.code(99).pushStatus('web-03', { status: 'Up' }).recover();
    expect(ear.heard).toEqual(['connected', 'lost: AGENT_UNREACHABLE', 'connected']);
  });

  it('a host that nobody made has no pushes', () => {
    expect(new FakeFetcher().listen(kvm, new Ear())).toBeNull();
  });
});

describe('scripts', () => {
  it('raw messages go through the decoders', async () => {
    const { agent, ear } = await listening();
    agent.push({
      method: '|virt|VM_status|a',
      params: { a: { status: 'Powering up', hash: '-9' }, notify_time: '77' },
    });
    agent.push({ method: '|virt|nobody_knows|a' });
    expect(ear.heard).toEqual(['connected', 'vmStatus']);
    expect(vmOf(ear.pushes[0])).toMatchObject({ vmId: 'a', status: 'PoweringUp', deviceHash: '-9', timestamp: 77 });
  });

  it('a status leaves the agent’s answers alone, an announcement changes them too', async () => {
    const { agents, agent, ear } = await listening();
    const polled = async () => (await agents.getAllVmStats(kvm, patient())).get('web-03')?.status;
    agent.pushStatus('web-03', { status: 'Paused' });
    expect(await polled()).toBe('Up');
    agent.announce('web-03', { status: 'Paused', pauseStatus: 'ENOSPC' });
    expect(await polled()).toBe('Paused');
    expect(vmOf(ear.pushes[1])?.dynamic).toEqual({ status: 'Paused', pauseStatus: 'ENOSPC' });
    agent.announce('web-03', { status: 'Down', exitStatus: 'Error', exitMessage: 'Lost connection' });
    expect(vmOf(ear.pushes[2])?.dynamic).toMatchObject({
      status: 'Down',
      exitStatus: 'Error',
      exitReason: 'GenericError',
    });
    agent.announce('web-03', { status: 'Up', pauseStatus: 'NONE' });
    expect(vmOf(ear.pushes[3])?.dynamic).toEqual({ status: 'Up' });
  });

  it('progress of a migration', async () => {
    const { agent, ear } = await listening();
    agent.pushMigration('web-03', { progress: 30 });
    expect(ear.pushes[0]).toMatchObject({ kind: 'vmMigration', migrations: [{ vmId: 'web-03', progress: 30 }] });
  });

  it('pushes bear the same clock as answers', async () => {
    const time = new VirtualTime();
    const { agents, agent, ear } = await listening({ pushes: true, advance: true, scheduler: time, clock: time });
    await agents.getAllVmStats(kvm, patient());
    await time.runFor(seconds(5));
    agent.pushStatus('web-03', { status: 'Up' });
    const polled = (await agents.getAllVmStats(kvm, patient())).get('web-03')?.timestamp;
    expect(ear.pushes[0]?.notifyTime).toBe(polled);
  });
});
