import { describe, expect, it } from 'vitest';
import { type ReportedDevice, UPDATE_HASH, type VmDevice, type VmStatus } from '../../src/model/index.js';
import { deviceHashTransitions, judgeDeviceHash } from '../../src/rules/vm/device-hash.js';
import {
  listedDevices,
  listedDeviceTransitions,
  missingDeviceTransitions,
  singleDevice,
  singleDeviceTransitions,
} from '../../src/rules/vm/devices.js';
import { deepFreeze } from '../support/deep-freeze.js';

const device = (id: string, more: Partial<VmDevice> = {}): VmDevice => ({
  ...{ vmId: 'v1', id, type: 'disk', device: 'disk', address: 'a', alias: `ua-${id}` },
  ...{ managed: true, plugged: true, logicalName: null, ...more },
});
const listed = (id: string | null, more: Partial<ReportedDevice> = {}): ReportedDevice => ({
  ...{ id, type: 'disk', device: 'disk', address: 'a', alias: id === null ? null : `ua-${id}`, path: null, ...more },
});
const never = { list: null, single: new Map<string, number>() };
const devicesAfter = (
  known: readonly VmDevice[],
  devices: readonly ReportedDevice[],
  more: { at?: number; single?: [string, number][]; guestDisks?: [string, string][] } = {},
) =>
  listedDevices('v1', deepFreeze(known), { devices, guestDisks: new Map(more.guestDisks) }, more.at ?? 10, {
    list: null,
    single: new Map(more.single),
  });

describe('a device fingerprint (§4.13)', () => {
  const hashes = [null, 'old', 'new', UPDATE_HASH];
  const times = [null, 4, 5, 6];

  it('meets exactly one row', () => {
    for (const reported of hashes)
      for (const known of hashes)
        for (const knownAt of times)
          for (const status of ['Up', 'MigratingTo'] as VmStatus[]) {
            const c = { status, reported, known, knownAt, askedAt: 5 };
            expect([c, deviceHashTransitions.filter((row) => row.when(c)).length]).toEqual([c, 1]);
          }
  });

  it.each([
    ['none', { reported: null }, 'vm.devices.no-hash', 'nothing'],
    ['of a VM that comes in', { status: 'MigratingTo' as VmStatus }, 'vm.devices.incoming', 'nothing'],
    ['of a VM never heard of', { known: null, knownAt: null }, 'vm.devices.hash-changed', 'ask'],
    ['the same', { reported: 'old' }, 'vm.devices.hash-known', 'nothing'],
    ['another', {}, 'vm.devices.hash-changed', 'ask'],
    ['another, known since before this process', { knownAt: null }, 'vm.devices.hash-changed', 'ask'],
    ['another, but older', { knownAt: 6 }, 'vm.devices.hash-older', 'nothing'],
    ['another, as old', { knownAt: 5 }, 'vm.devices.hash-older', 'nothing'],
    ['of a list that was handed in', { known: UPDATE_HASH }, 'vm.devices.hash-of-list', 'save'],
    [
      'of a list that was handed in, however old',
      { known: UPDATE_HASH, knownAt: 9 },
      'vm.devices.hash-of-list',
      'save',
    ],
  ])('%s', (_, more, rule, verdict) => {
    const usual = { status: 'Up' as VmStatus, reported: 'new', askedAt: 5, known: 'old', knownAt: 4 };
    expect(judgeDeviceHash({ ...usual, ...more })).toEqual({ rule, verdict });
  });
});

describe('a list of devices', () => {
  it('plugs known ones and says where they sit; a list that says the same changes nothing', () => {
    const known = [device('d1', { address: null, plugged: false }), device('d2')];
    const next = devicesAfter(known, [listed('d2'), listed('d1', { address: 'b' })]);
    expect(next).toEqual([device('d1', { address: 'b' }), device('d2')]);
    expect(next[1]).toBe(known[1]);
    expect(devicesAfter(next, [listed('d1', { address: 'b' }), listed('d2')])).toBe(next);
  });

  it('brings unknown ones, which nobody manages', () => {
    expect(devicesAfter([], [listed('d1')])).toEqual([device('d1', { managed: false })]);
  });

  it('finds a device without an id again by what it is and what it is called', () => {
    const usb = listed(null, { type: 'controller', device: 'usb', alias: 'usb' });
    const next = devicesAfter([], [usb]);
    expect(next.map(({ id, managed }) => [id, managed])).toEqual([['controller/usb/usb', false]]);
    expect(devicesAfter(next, [usb])).toBe(next);
    expect(devicesAfter(next, [{ ...usb, address: 'b' }])).toMatchObject([{ id: 'controller/usb/usb', address: 'b' }]);
  });

  it('finds virtio-serial by what it is, and a disk by the path that it lies in', () => {
    const serial = device('s1', { type: 'controller', device: 'virtio-serial', alias: null });
    const said = listed(null, { type: 'controller', device: 'virtio-serial', alias: 'virtio-serial0' });
    expect(devicesAfter([serial], [said])).toMatchObject([{ id: 's1', managed: true, alias: 'virtio-serial0' }]);
    const path = '/rhev/images/d1/volume';
    expect(devicesAfter([device('d1')], [listed(null, { path })])).toMatchObject([{ id: 'd1', managed: true }]);
    expect(devicesAfter([device('d1')], [listed(null, { path: '/other', alias: 'x' })]).map(({ id }) => id)).toEqual([
      ...['d1', 'disk/disk/x'],
    ]);
  });

  it('takes no other device for one without an id', () => {
    const usb = device('c1', { type: 'controller', device: 'usb' });
    const serial = device('s1', { type: 'controller', device: 'virtio-serial' });
    const said = listed(null, { type: 'controller', device: 'virtio-serial', alias: 'virtio-serial0' });
    expect(devicesAfter([usb, serial], [said]).find(({ id }) => id === 's1')?.alias).toBe('virtio-serial0');
    const path = '/rhev/images/d1/volume';
    const cd = listed(null, { type: 'cdrom', alias: 'cd', path });
    expect(devicesAfter([device('d1')], [cd]).map(({ id }) => id)).toEqual(['d1', 'cdrom/disk/cd']);
    const nic = device('d1', { type: 'interface' });
    expect(devicesAfter([nic], [listed(null, { path, alias: 'x' })]).map(({ id }) => id)).toEqual([
      'd1',
      'disk/disk/x',
    ]);
    expect(devicesAfter([serial], [listed(null, { type: 'controller', device: 'usb', alias: 'u' })])).toHaveLength(2);
  });

  it('passes over what has no address', () => {
    expect(devicesAfter([], [listed('b', { type: 'balloon', address: null })])).toEqual([]);
  });

  it('counts the first of two entries for one device', () => {
    expect(devicesAfter([], [listed('d1'), listed('d1', { address: 'b' })])).toEqual([
      device('d1', { managed: false }),
    ]);
  });

  it.each([
    ['a device of the manager’s is unplugged', device('x'), [device('x', { plugged: false, address: null })]],
    ['one that was unplugged stays as it is', device('x', { plugged: false, address: null }), 'same'],
    [
      'one without a place is unplugged',
      device('x', { address: null }),
      [device('x', { plugged: false, address: null })],
    ],
    [
      'one that was unplugged has no place',
      device('x', { plugged: false }),
      [device('x', { plugged: false, address: null })],
    ],
    ['a balloon of the manager’s stays', device('x', { type: 'balloon' }), 'same'],
    ['one that nobody manages is gone', device('x', { managed: false }), []],
    ['a balloon that nobody manages is gone', device('x', { type: 'balloon', managed: false }), []],
    ['graphics stay', device('x', { type: 'graphics', managed: false }), 'same'],
    ['a console stays', device('x', { type: 'console', managed: false }), 'same'],
    ['a TPM stays', device('x', { type: 'tpm' }), 'same'],
    ['a mediated device stays', device('x', { type: 'hostdev', device: 'mdev', managed: false }), 'same'],
  ])('leaves one out: %s', (_, known, expected) => {
    const list = [known];
    const next = devicesAfter(list, []);
    if (expected === 'same') expect(next).toBe(list);
    else expect(next).toEqual(expected);
  });

  it.each([
    ['beginning of the disk’s id', '7cfc3666-5185-4438-', '/dev/vda'],
    ['more around it', 'drive-7cfc3666-5185-4438-8', '/dev/vda'],
    ['another disk', 'aaaaaaaa-5185-4438-', null],
  ])('names disks as the guest does: serial is %s', (_, serial, name) => {
    const id = '7cfc3666-5185-4438-8381-646de77ca9a7';
    expect(devicesAfter([device(id)], [listed(id)], { guestDisks: [[serial, '/dev/vda']] })[0]?.logicalName).toBe(name);
    const cd = { type: 'video' };
    expect(
      devicesAfter([device(id, cd)], [listed(id, cd)], { guestDisks: [[serial, '/dev/vda']] })[0]?.logicalName,
    ).toBeNull();
  });

  it.each([
    ['newer', 11],
    ['as old', 10],
  ])('leaves alone what something %s is known of: put, kept or removed', (_, at) => {
    const known = [device('put', { address: 'mine' }), device('kept', { managed: false })];
    const single: [string, number][] = ['put', 'kept', 'removed'].map((id) => [id, at]);
    expect(devicesAfter(known, [listed('put'), listed('removed')], { at: 10, single })).toBe(known);
  });

  it('beats older word of single devices', () => {
    const next = devicesAfter([device('d1', { managed: false })], [listed('d2')], {
      at: 10,
      single: [
        ['d1', 9],
        ['d2', 9],
      ],
    });
    expect(next.map(({ id }) => id)).toEqual(['d2']);
  });

  it('meets exactly one row for each device', () => {
    for (const outdone of [true, false]) {
      for (const known of [undefined, device('x')])
        for (const address of [null, 'a']) {
          const c = { vmId: 'v1', reported: listed('x', { address }), known, logicalName: null, outdone };
          expect(listedDeviceTransitions.filter((row) => row.when(c))).toHaveLength(1);
        }
      for (const type of ['disk', 'balloon', 'graphics', 'tpm'])
        for (const managed of [true, false]) {
          const c = { device: device('x', { type, managed }), outdone };
          expect(missingDeviceTransitions.filter((row) => row.when(c))).toHaveLength(1);
        }
    }
  });
});

describe('word of one device', () => {
  const known = deepFreeze([device('d1'), device('d2')]);
  const word = (
    id: string,
    put: VmDevice | null,
    askedAt = 10,
    times: { list: number | null; single: ReadonlyMap<string, number> } = never,
  ) => singleDevice({ id, device: put, askedAt, known, times });

  it('puts it in the place of the known one, or adds it', () => {
    const moved = device('d1', { address: 'b' });
    expect(word('d1', moved)).toEqual({ rule: 'vm.device.single.put', devices: [moved, known[1]], counts: true });
    expect(word('d3', device('d3')).devices).toEqual([...known, device('d3')]);
    expect(word('d1', device('d1')).devices).toBe(known);
  });

  it('removes it, managed or not', () => {
    expect(word('d1', null)).toEqual({ rule: 'vm.device.single.removed', devices: [known[1]], counts: true });
    expect(word('d3', null)).toEqual({ rule: 'vm.device.single.removed', devices: known, counts: true });
  });

  it.each([
    ['a list', { list: 10, single: new Map() }],
    ['another word of it', { list: null, single: new Map([['d1', 10]]) }],
    ['another word of it, newer than the list', { list: 3, single: new Map([['d1', 12]]) }],
  ])('does nothing when %s is as new', (_, times) => {
    const older = { rule: 'vm.device.single.older', devices: known, counts: false };
    expect(word('d1', null, 10, times)).toEqual(older);
    expect(word('d1', device('d1', { address: 'b' }), 10, times)).toEqual(older);
  });

  it.each([
    ['a list', { list: 9, single: new Map() }],
    ['another word of it', { list: null, single: new Map([['d1', 9]]) }],
    ['another word of it, older than the list', { list: 12, single: new Map([['d1', 9]]) }],
  ])('counts when %s is older', (_, times) => {
    expect(word('d1', null, 10, times)).toMatchObject({ rule: 'vm.device.single.removed', counts: true });
  });

  it('that it is gone, where it was not known, leaves the list as it is', () => {
    expect(word('d9', null).devices).toBe(known);
  });

  it('meets exactly one row', () => {
    for (const put of [null, device('d1')])
      for (const list of [null, 9, 10])
        for (const at of [null, 9, 10]) {
          const single = new Map(at === null ? [] : [['d1', at]]);
          const c = { id: 'd1', device: put, askedAt: 10, known, times: { list, single } };
          expect(singleDeviceTransitions.filter((row) => row.when(c))).toHaveLength(1);
        }
  });
});
