import { describe, expect, it } from 'vitest';
import { decodeDomains, decodeVmList } from '../../src/fetcher/decode/vm-lists.js';
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

it('descriptions of the VMs that were asked for, taken apart when they are read', () => {
  const xmls = fixture('captured/Host.dumpxmls');
  const id = Object.keys(xmls)[0] as string;
  expect([...decodeDomains(xmls, [id, 'other']).keys()]).toEqual([id]);
  expect(decodeDomains(xmls, [id]).get(id)?.read().name).toBe('writer');
  const domains = decodeDomains({ a: 'x\0', b: 7, c: 'not asked' }, ['a', 'b', '__proto__']);
  expect([...domains.keys()]).toEqual(['a']);
  expect(() => domains.get('a')?.read()).toThrow(SyntaxError);
});
