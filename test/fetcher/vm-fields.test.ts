import { describe, expect, it } from 'vitest';
import { ParsedVmStatsReport } from '../../src/fetcher/decode/vm-stats-report.js';
import { fixture, host, type Json } from './support/fixtures.js';

const up = '11111111-2222-4333-8444-000000000001';

/** The Up VM of the sample with some of the agent's fields changed; undefined takes a field away. */
function withFields(fields: Json) {
  const list = fixture<Json[]>('Host.getAllVmStats');
  const vm = JSON.parse(JSON.stringify({ ...list[0], ...fields }));
  const report = new ParsedVmStatsReport(host, [vm]);
  const result = report.get(up);
  if (result === undefined) throw new Error('unreadable');
  return { vm: result, problems: report.problems };
}

describe('fields with a trick', () => {
  it.each([
    ['Up', '0', 'Up'],
    ['Up', '-1', 'NotResponding'],
    ['Powering up', '-1', 'NotResponding'],
    ['Paused', '-1', 'Paused'],
    ['Migration Source', '-1', 'MigratingFrom'],
    ['Migration Destination', undefined, 'MigratingTo'],
    ['saving STATE', '0', 'SavingState'],
    ['RESTORING STATE', '0', 'RestoringState'],
    ['RebootInProgress', '0', 'RebootInProgress'],
    ['Powering down', '0', 'PoweringDown'],
    ['something new', '0', 'Unassigned'],
  ])('status %s with monitorResponse %s → %s', (status, monitorResponse, expected) => {
    const { vm } = withFields({ status, monitorResponse });
    expect([vm.status, vm.dynamic.status]).toEqual([expected, expected]);
  });

  it.each([
    [
      { displayInfo: [{ type: 'vnc', port: '5900', tlsPort: '', ipAddress: '127.0.0.1' }] },
      [{ type: 'vnc', port: 5900, tlsPort: null, ip: '127.0.0.1' }],
    ],
    [
      { displayInfo: [{ type: 'spice', port: '-1', tlsPort: '5901', ipAddress: '0' }] },
      [{ type: 'spice', port: null, tlsPort: 5901, ip: host.address }],
    ],
    [
      { displayInfo: [{ type: 'vnc', port: 5900, tlsPort: -1, ipAddress: '0.0.0.0' }] },
      [{ type: 'vnc', port: 5900, tlsPort: null, ip: host.address }],
    ],
    [{ displayInfo: [{ type: 'vnc', port: '-1', tlsPort: '-1', ipAddress: '0' }] }, []],
    [{ displayInfo: [{ type: 'vnc', port: '5900' }] }, [{ type: 'vnc', port: 5900, tlsPort: null, ip: null }]],
    [{ displayInfo: [{ type: 'vnc', port: '70000', tlsPort: '0' }] }, []],
    [{ displayInfo: [{ type: 'rdp', port: '3389' }] }, []],
    [{ displayInfo: [] }, []],
    [{ displayInfo: undefined }, []],
    [
      { displayInfo: undefined, displayType: 'qxl', displayPort: '5900', displaySecurePort: '5901', displayIp: '0' },
      [{ type: 'spice', port: 5900, tlsPort: 5901, ip: host.address }],
    ],
    [
      { displayInfo: undefined, displayType: 'vnc', displayPort: '5902', displayIp: '10.1.1.1' },
      [{ type: 'vnc', port: 5902, tlsPort: null, ip: '10.1.1.1' }],
    ],
  ])('consoles %j', (fields, graphics) => {
    expect(withFields(fields).vm.dynamic.graphics).toEqual(graphics);
  });

  it.each([
    ['localhost', null],
    ['LocalHost.LocalDomain ', null],
    ['', null],
    ['  db.example.test ', 'db.example.test'],
    [`${'n'.repeat(300)}`, 'n'.repeat(255)],
    [undefined, null],
  ])('guestFQDN %j → %j', (guestFQDN, fqdn) => {
    expect(withFields({ guestFQDN }).vm.dynamic.fqdn).toBe(fqdn);
  });

  it.each([
    ['timeOffset', '+3600', 'utcDiff', 3600],
    ['timeOffset', '-7200', 'utcDiff', -7200],
    ['timeOffset', undefined, 'utcDiff', null],
    ['guestCPUCount', -1, 'guestCpuCount', null],
    ['guestCPUCount', '4', 'guestCpuCount', 4],
    ['acpiEnable', 'False', 'acpiEnabled', false],
    ['clientIp', '10.9.9.9', 'clientIp', '10.9.9.9'],
    ['appsList', undefined, 'appList', null],
    ['appsList', ['a', 7, 'b'], 'appList', 'a,7,b'],
    ['cdrom', '/rhev/data-center/mnt/iso/install.iso', 'currentCd', 'install.iso'],
    ['cdrom', 'install.iso', 'currentCd', 'install.iso'],
    ['cdrom', '', 'currentCd', undefined],
    ['cdrom', undefined, 'currentCd', undefined],
    ['watchdogEvent', { time: '17.5' }, 'lastWatchdogEvent', 17.5],
    ['watchdogEvent', { time: '17.5' }, 'lastWatchdogAction', null],
    ['pauseCode', undefined, 'pauseStatus', 'NONE'],
    ['pauseCode', 'POSTCOPY', 'pauseStatus', 'POSTCOPY'],
    ['exitCode', '1', 'exitStatus', 'Error'],
    ['exitReason', '13', 'exitReason', 'DestroyedOnReboot'],
    ['session', 'x'.repeat(50), 'session', 'x'.repeat(40)],
    ['guestTimezone', undefined, 'guestTimezoneName', ''],
    ['guestContainers', [{ id: 'c1', names: ['web'] }], 'guestContainers', [{ id: 'c1', names: ['web'] }]],
  ])('%s %j → %s %j', (wire, value, field, expected) => {
    const { vm, problems } = withFields({ [wire]: value });
    expect((vm.dynamic as Json)[field]).toEqual(expected);
    expect(problems).toEqual([]);
  });

  it.each([
    ['pauseCode', 'ENEW', 'pauseStatus', 'NONE'],
    ['exitReason', 99, 'exitReason', 'Unknown'],
    ['exitCode', 7, 'exitStatus', 'Unknown'],
    ['timeOffset', 'soon', 'utcDiff', null],
    ['appsList', 'kernel', 'appList', null],
    ['displayInfo', 'vnc', 'graphics', []],
  ])('%s %j is a problem, and %s is %j', (wire, value, field, expected) => {
    const { vm, problems } = withFields({ [wire]: value });
    expect((vm.dynamic as Json)[field]).toEqual(expected);
    expect(problems).toEqual([{ path: `vms[0].${wire}`, message: expect.any(String), vmId: up }]);
  });

  it('vmJobs: absent is not known, empty is none', () => {
    expect(withFields({ vmJobs: undefined }).vm.jobs()).toBeNull();
    expect(withFields({ vmJobs: {} }).vm.jobs()).toEqual([]);
  });

  it('a balloon needs four members', () => {
    const { balloonInfo } = fixture<Json[]>('Host.getAllVmStats')[0] as { balloonInfo: Json };
    const { balloon_min: _, ballooning_enabled: __, ...three } = balloonInfo;
    expect(withFields({ balloonInfo: three }).vm.statistics()?.balloon).toBeNull();
    expect(withFields({ balloonInfo: {} }).vm.statistics()?.balloon).toBeNull();
  });

  it('counters beyond 2^53 keep every digit', () => {
    const nic = {
      v0: { macAddr: '56:6F:AA:00:00:01', rx: '18446744073709551615', tx: '9007199254740993', state: 'up' },
    };
    expect(withFields({ network: nic }).vm.statistics()?.nics).toEqual([
      expect.objectContaining({
        name: 'v0',
        macAddr: '56:6f:aa:00:00:01',
        rxBytes: 18446744073709551615n,
        txBytes: 9007199254740993n,
      }),
    ]);
  });

  it('a LUN has its own id', () => {
    const disks = { sdb: { lunGUID: '360014054e75cb132', truesize: '1099511627776' } };
    expect(withFields({ disks }).vm.statistics()?.disks).toEqual([
      expect.objectContaining({
        imageId: null,
        lunGuid: '360014054e75cb132',
        trueSize: 1_099_511_627_776,
        readLatencyNs: null,
      }),
    ]);
  });
});

describe('nics of the guest', () => {
  const nics = (netIfaces: unknown) => withFields({ netIfaces }).vm;
  const eth0 = { name: 'eth0', inet: ['10.0.0.1'], inet6: ['fe80::1%eth0'], hw: '56-6F-1A-2B-00-00' };
  const eth1 = { name: 'eth1', inet: ['10.0.0.2', '10.0.0.3'], inet6: [], hw: '56:6f:1a:2b:00:01' };

  it('dashes of Windows become colons, zones are cut, what is no address is dropped', () => {
    expect(nics([{ ...eth0, inet: ['10.0.0.1', 'n/a', '10.0.0.999'] }]).guestInterfaces()).toEqual([
      { name: 'eth0', macAddr: '56:6f:1a:2b:00:00', ipv4Addresses: ['10.0.0.1'], ipv6Addresses: ['fe80::1'] },
    ]);
    expect(nics([eth1]).guestInterfaces()?.[0]?.ipv6Addresses).toBeNull();
  });

  it('two entries of one name become one', () => {
    expect(nics([eth0, { name: 'eth0', inet: ['10.0.0.1', '10.0.0.9'] }]).guestInterfaces()).toEqual([
      expect.objectContaining({ name: 'eth0', ipv4Addresses: ['10.0.0.1', '10.0.0.9'] }),
    ]);
  });

  it.each([1, 40])('an address counts once, as the first was, however many there are (%i)', (count) => {
    const some = Array.from({ length: count }, (_, i) => `10.0.1.${i}`);
    const list = [
      { ...eth0, inet: [...some, ' 10.0.1.0 ', 'x'] },
      { name: 'eth0', inet: ['10.0.2.1', ...some], inet6: ['fe80::1', '::2%a'] },
    ];
    expect(nics(list).guestInterfaces()).toMatchObject([
      { ipv4Addresses: [...some, '10.0.2.1'], ipv6Addresses: ['fe80::1', '::2'] },
    ]);
  });

  it('the hash does not mind the order, is 0 only without a list, and fits 32 bits', () => {
    const hash = (list: unknown) => nics(list).dynamic.guestAgentNicsHash;
    expect(hash([eth0, eth1])).toBe(hash([{ ...eth1, inet: ['10.0.0.3', '10.0.0.2'] }, eth0]));
    expect(hash([eth0, eth1])).not.toBe(hash([eth0]));
    expect(hash([])).not.toBe(0);
    expect(hash(undefined)).toBe(0);
    expect(hash([eth0])).toBe((hash([eth0]) as number) | 0);
  });
});

describe('entries that cannot be read', () => {
  const good = () => fixture<Json[]>('Host.getAllVmStats')[0] as Json;

  it('a VM without a status is there, and no more is known of it', () => {
    const report = new ParsedVmStatsReport(host, [
      { vmId: 'a', status: 7 },
      { vmId: 'b' },
      { vmId: 'c', status: {} },
      good(),
    ]);
    expect(report.complete).toBe(true);
    expect(report.size).toBe(4);
    expect(['b', 'c'].map((id) => [report.has(id), report.get(id)])).toEqual([
      [true, undefined],
      [true, undefined],
    ]);
    expect(report.get('a')?.status).toBe('Unassigned');
    expect([...report.changed()].map((vm) => vm.vmId)).toEqual(['a', up]);
    expect(report.problems.map((p) => p.vmId)).toEqual(['b', 'c', 'c']);
  });

  it('an entry without an id makes absence from the list mean nothing', () => {
    for (const entry of [null, 'text', [], {}, { vmId: '' }, { vmId: 5 }, { vmId: 'a\0' }, { vmId: 'x'.repeat(256) }]) {
      const report = new ParsedVmStatsReport(host, [entry, good()]);
      expect(report.complete).toBe(false);
      expect([...report.ids()]).toEqual([up]);
      expect(report.problems).toEqual([
        { path: 'vms[0]', message: expect.stringContaining('without a usable vmId'), vmId: null },
      ]);
    }
  });

  it('of a VM that is listed twice the later entry counts', () => {
    const report = new ParsedVmStatsReport(host, [good(), { vmId: up, status: 'Down', exitCode: 0 }]);
    expect([report.size, report.complete]).toEqual([1, true]);
    expect(report.get(up)?.status).toBe('Down');
    expect(report.problems).toHaveLength(1);
  });

  it('more VMs than any host runs are not taken in, and the list is no complete one', () => {
    const many = Array.from({ length: 50_010 }, (_, i) => ({ vmId: `vm-${i}`, status: 'Up' }));
    const report = new ParsedVmStatsReport(host, many);
    expect([report.size, report.complete]).toEqual([50_000, false]);
  });

  it('a bad figure is a problem of its VM, whoever asks first', () => {
    const report = new ParsedVmStatsReport(host, [{ ...good(), cpuUser: 'many', vmJobs: [] }]);
    expect(report.problems.map((p) => p.path)).toEqual(['vms[0].cpuUser', 'vms[0].vmJobs']);
    expect(report.get(up)?.statistics()).toMatchObject({ cpuUser: null, cpuSys: 1.93 });
  });
});
