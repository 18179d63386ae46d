import { describe, expect, it } from 'vitest';
import { decodeVmStatusEvent } from '../../src/fetcher/index.js';
import { fixture, host, type Json } from './support/fixtures.js';

interface Message {
  readonly method: string;
  readonly params: Json;
}

const statusEvents = fixture<Message[]>('events')
  .filter(({ method }) => method.startsWith('|virt|VM_status|'))
  .map(({ params }) => decodeVmStatusEvent(host, params));

it('events of the samples give one VM each, without a problem', () => {
  expect(statusEvents.map((event) => [event.vms.length, event.problems])).toEqual(statusEvents.map(() => [1, []]));
  expect(statusEvents.map((event) => [event.vms[0]?.vmId.at(-1), event.vms[0]?.status, event.notifyTime])).toEqual([
    ['5', 'WaitForLaunch', 2_233_900_001],
    ['5', 'PoweringUp', 2_233_900_950],
    ['2', 'Paused', 2_233_901_000],
    ['2', 'Paused', 2_233_901_003],
    ['3', 'MigratingFrom', 2_233_902_000],
    ['3', 'Down', 2_233_922_200],
  ]);
});

describe('only the fields that are present', () => {
  const [launch, powering, paused, noSpace, , ended] = statusEvents.map((event) => event.vms[0]);

  it('a status alone', () => {
    expect(launch?.dynamic).toEqual({ status: 'WaitForLaunch' });
    expect(paused?.dynamic).toEqual({ status: 'Paused' });
    expect(launch).toMatchObject({ vmName: null, deviceHash: null, tpmHash: null, timestamp: 2_233_900_001 });
  });

  it('a pause with its code', () => {
    expect(noSpace?.dynamic).toEqual({ status: 'Paused', pauseStatus: 'ENOSPC' });
  });

  it('an end', () => {
    expect(ended?.dynamic).toEqual({
      status: 'Down',
      exitStatus: 'Normal',
      exitMessage: 'Migration succeeded',
      exitReason: 'MigrationSucceeded',
    });
  });

  it('a launch brings a fingerprint, but nothing measured is taken from an event', () => {
    expect(powering?.dynamic).toEqual({
      status: 'PoweringUp',
      clientIp: '',
      utcDiff: 0,
      graphics: [{ type: 'vnc', port: 5904, tlsPort: null, ip: '127.0.0.1' }],
    });
    expect(powering?.deviceHash).toBe('119');
    expect([powering?.statistics(), powering?.jobs(), powering?.guestInterfaces()]).toEqual([null, null, null]);
  });

  it('a word from the guest', () => {
    const vm = { status: 'Up', username: 'ann', netIfaces: [{ name: 'eth0', inet: ['10.0.0.1'], inet6: [], hw: '' }] };
    const [report] = decodeVmStatusEvent(host, { a: vm, notify_time: '17' }).vms;
    expect(report?.dynamic).toEqual({ status: 'Up', guestUser: 'ann', guestAgentNicsHash: expect.any(Number) });
    expect(report?.guestInterfaces()).toEqual([
      { name: 'eth0', macAddr: null, ipv4Addresses: ['10.0.0.1'], ipv6Addresses: null },
    ]);
    expect(report?.timestamp).toBe(17);
  });
});

it('one bad VM does not lose the others; without a status a VM is unreadable', () => {
  const event = decodeVmStatusEvent(host, {
    a: 'x',
    b: {},
    c: { status: 'Up', timeOffset: 'soon' },
    notify_time: 'now',
  });
  expect(event.vms.map((vm) => [vm.vmId, vm.dynamic])).toEqual([['c', { status: 'Up' }]]);
  expect(event.notifyTime).toBeNull();
  expect(event.problems.map((p) => p.path)).toEqual(['notify_time', 'a', 'b.status', 'c.timeOffset']);
  expect(decodeVmStatusEvent(host, null).problems).toHaveLength(1);
});
