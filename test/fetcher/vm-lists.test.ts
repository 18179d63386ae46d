import { describe, expect, it } from 'vitest';
import { decodeVmList, decodeXmls } from '../../src/fetcher/decode/vm-lists.js';
import { fixture, type Json } from './support/fixtures.js';

describe('VM lists', () => {
  it.each(['Host.getVMList', 'captured/Host.getVMList', 'captured/Host.getVMFullList'])('%s', (name) => {
    const list = fixture<Json[]>(name);
    expect(decodeVmList(list).vms.map((vm) => vm.vmId)).toEqual(list.map((vm) => vm['vmId']));
    expect(decodeVmList(list).vms.every((vm) => vm.status !== null)).toBe(true);
  });

  it('plain ids of older agents have no status; an entry without an id fails it', () => {
    expect(decodeVmList(['a', { vmId: 'b', status: 'Migration Source' }]).vms).toEqual([
      { vmId: 'a', status: null },
      { vmId: 'b', status: 'MigratingFrom' },
    ]);
    expect(() => decodeVmList([{ status: 'Up' }])).toThrow('no usable vmId');
  });
});

it('XML of the VMs that were asked for, as storable text', () => {
  const xmls = fixture('captured/Host.dumpxmls');
  const id = Object.keys(xmls)[0] as string;
  expect(decodeXmls(xmls, [id, 'other'])).toEqual(new Map([[id, xmls[id]]]));
  expect(decodeXmls({ a: 'x\0', b: 7, c: 'not asked' }, ['a', 'b', '__proto__'])).toEqual(new Map([['a', 'x\ufffd']]));
});
