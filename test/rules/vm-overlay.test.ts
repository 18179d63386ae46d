import { describe, expect, it } from 'vitest';
import { type VmDynamic, vmDynamicFields } from '../../src/model/index.js';
import { laidOver } from '../../src/rules/index.js';
import { polled, pushed, sample, vm } from '../support/entities.js';

const dynamicOf = (stored: VmDynamic, ...push: Parameters<typeof pushed>) => laidOver(pushed(...push), stored).dynamic;

describe('a push laid over what is stored (§5.4)', () => {
  const stored = vm('v1', 'Up', {
    guestUser: 'anna',
    clientIp: '10.0.0.1',
    session: 'Active',
    vmIp: '10.0.0.9',
  }).dynamic;

  it('keeps what it does not say, and takes what it says', () => {
    expect(dynamicOf(stored, 'v1', 'Up', { session: 'Locked' })).toMatchObject({
      ...{ status: 'Up', guestUser: 'anna', clientIp: '10.0.0.1', session: 'Locked' },
    });
  });

  it('takes null for said: the field is cleared', () => {
    expect(dynamicOf(stored, 'v1', 'Up', { clientIp: null })).toMatchObject({ guestUser: 'anna', clientIp: null });
  });

  it('has every field that agents own, and none of ours', () => {
    const owned = Object.entries(vmDynamicFields).flatMap(([name, { owner }]) => (owner === 'agent' ? [name] : []));
    expect(Object.keys(dynamicOf(stored, 'v1', 'Up')).sort()).toEqual(owned.sort());
    expect(owned).not.toContain('vmIp');
  });

  it('is over what is stored each time, and remembers no other VM', () => {
    dynamicOf(stored, 'v1', 'Up', { guestUser: 'bert' });
    expect(dynamicOf(stored, 'v1', 'Up').guestUser).toBe('anna');
  });

  it.each([
    ['the VM runs again', 'EIO', 'Up', {}, 'NONE'],
    ['it is paused still', 'EIO', 'Paused', {}, 'EIO'],
    ['it is paused, and why is said', 'EIO', 'Paused', { pauseStatus: 'ENOSPC' }, 'ENOSPC'],
    ['it runs, and a code is said', 'EIO', 'Up', { pauseStatus: 'ENOSPC' }, 'ENOSPC'],
    ['the code was that of no error', 'NOERR', 'Up', {}, 'NOERR'],
  ] as const)('the code of a pause, when %s', (_, pauseStatus, status, more, expected) => {
    const paused = vm('v1', 'Paused', { pauseStatus }).dynamic;
    expect(dynamicOf(paused, 'v1', status, more).pauseStatus).toBe(expected);
  });

  it('is the push in all else', () => {
    const nics = [{ name: 'eth0', macAddr: null, ipv4Addresses: null, ipv6Addresses: null }];
    const figures = sample({ cpuUser: 3 });
    const push = {
      ...pushed('v7', 'Up', { vmName: 'seven', timestamp: 12, deviceHash: 'd', nics }),
      ...{ tpmHash: 't', nvramHash: 'n', figuresVersion: 4, statistics: () => figures, jobs: () => [] },
    };
    const over = laidOver(push, stored);
    expect(over).toMatchObject({ vmId: 'v7', vmName: 'seven', status: 'Up', timestamp: 12, figuresVersion: 4 });
    expect(over).toMatchObject({ deviceHash: 'd', tpmHash: 't', nvramHash: 'n' });
    expect([over.statistics(), over.guestInterfaces(), over.jobs()]).toEqual([figures, nics, []]);
    expect(laidOver(polled('v7', 'Up'), stored).jobs()).toBeNull();
  });
});
