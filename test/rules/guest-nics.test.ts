import { describe, expect, it } from 'vitest';
import type { GuestInterface, VmNic } from '../../src/model/index.js';
import { decideVm, guestNics } from '../../src/rules/index.js';
import { polled, vm } from '../support/entities.js';
import { vmCase } from '../support/vm-verdict.js';

type Reported = Omit<GuestInterface, 'vmId'>;
const nic = (name: string, macAddr: string | null = null, ipv4: string[] = [], ipv6: string[] = []): Reported => ({
  ...{ name, macAddr, ipv4Addresses: ipv4, ipv6Addresses: ipv6 },
});
const vnic = (mac: string, profile: string | null = 'p1'): VmNic => ({ mac, name: null, profile, speedMbps: null });
const of = (nics: readonly Reported[], known: readonly VmNic[] | null = null) =>
  guestNics(vm('v1', 'Up', { static: { nics: known } }), polled('v1', 'Up', { nics }));
const namesOf = (...args: Parameters<typeof of>): string[] => of(...args).interfaces.map(({ name }) => name);

describe('guestNics (§4.11)', () => {
  it('leaves out what a guest makes for itself', () => {
    const names = [
      'lo',
      'lo0',
      'Loopback Pseudo-Interface 1',
      'tun0',
      'veth1a2b',
      'eth0',
      'lounge',
      'vethernet',
      'ens3',
    ];
    expect(namesOf(names.map((name) => nic(name)))).toEqual(['eth0', 'lounge', 'vethernet', 'ens3']);
  });

  it('takes other patterns', () => {
    const report = polled('v1', 'Up', { nics: [nic('lo'), nic('docker0')] });
    expect(guestNics(vm(), report, [/^docker/]).interfaces.map(({ name }) => name)).toEqual(['lo']);
  });

  it('leaves out foreign MACs and nics without a profile, where the inventory knows the VM’s nics', () => {
    const reported = [
      nic('a', '00:11:22:aa:bb:01'),
      nic('b', '00:11:22:aa:bb:02'),
      nic('c', '00:11:22:aa:bb:03'),
      nic('d'),
    ];
    const known = [vnic('00:11:22:AA:BB:01'), vnic('00:11:22:aa:bb:02', null)];
    expect(namesOf(reported, known)).toEqual(['a']);
    expect(namesOf(reported, [])).toEqual([]);
    expect(namesOf(reported, null)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('knows a MAC in the way that Windows writes it', () => {
    expect(namesOf([nic('a', '00-11-22-AA-BB-01')], [vnic('00:11:22:aa:bb:01')])).toEqual(['a']);
  });

  it('takes addresses that are some, IPv6 without its zone', () => {
    const { interfaces, ip } = of([
      nic('eth0', 'aa', ['10.0.0.1', '10.0.0.999', ''], ['fe80::1%eth0', 'nonsense', '::1%', '2001:db8::5']),
    ]);
    expect(interfaces).toEqual([
      {
        ...{ vmId: 'v1', name: 'eth0', macAddr: 'aa' },
        ...{ ipv4Addresses: ['10.0.0.1'], ipv6Addresses: ['fe80::1', '::1', '2001:db8::5'] },
      },
    ]);
    expect(ip).toBe('10.0.0.1 fe80::1 ::1 2001:db8::5');
  });

  it('names all IPv4 addresses before all IPv6 ones', () => {
    const { ip } = of([nic('eth0', null, ['10.0.0.1'], ['fe80::1']), nic('eth1', null, ['10.0.0.2'], ['fe80::2'])]);
    expect(ip).toBe('10.0.0.1 10.0.0.2 fe80::1 fe80::2');
  });

  it('is nothing when nothing is reported', () => {
    expect(of([])).toEqual({ interfaces: [], ip: null });
    expect(guestNics(vm(), polled())).toEqual({ interfaces: [], ip: null });
    expect(of([nic('eth0')]).ip).toBeNull();
  });
});

describe('guest nics in a decision', () => {
  const rows: GuestInterface[] = [{ vmId: 'v1', ...nic('eth0', null, ['10.0.0.1']) }];
  const stored = vm('v1', 'Up', { guestAgentNicsHash: 42, vmIp: '10.0.0.1', guestInterfaces: rows });
  const decided = (hash: number, ipv4: string) => {
    const report = polled('v1', 'Up', { guestAgentNicsHash: hash, nics: [nic('eth1', null, [ipv4])] });
    return decideVm(vmCase(stored, report)).draft;
  };

  it('are taken when their fingerprint has changed', () => {
    const draft = decided(43, '10.0.0.2');
    expect(draft.guestInterfaces.map(({ name }) => name)).toEqual(['eth1']);
    expect(draft.state).toMatchObject({ guestAgentNicsHash: 43, vmIp: '10.0.0.2' });
  });

  it('are left alone otherwise', () => {
    const draft = decided(42, '10.0.0.2');
    expect(draft.guestInterfaces).toBe(stored.guestInterfaces);
    expect(draft.state.vmIp).toBe('10.0.0.1');
  });
});
