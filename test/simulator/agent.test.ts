import { expect, it } from 'vitest';
import { minutes } from '../../src/kernel/index.js';
import type { Fleet } from '../../src/simulator/index.js';
import { respond } from '../../src/simulator/rpc.js';
import { errorCode, makeFleet, resultOf, type VmEntry, vmStats } from './support.js';

interface Page {
  readonly items: readonly VmEntry[];
  readonly next?: string;
}

const page = (fleet: Fleet, params: Record<string, unknown>, maxPage?: number): Page => {
  const answer = fleet.host('kvm-01').ask('Host.getAllVmStats', params, maxPage);
  if ('error' in answer) throw new Error(answer.error.message);
  return JSON.parse(answer.result) as Page;
};

it('answers in pages when they are asked for, and every VM is in exactly one of them', () => {
  const { fleet } = makeFleet({ hosts: 1, vms: 25 });
  const ids: string[] = [];
  const sizes: number[] = [];
  let marker: string | undefined;
  do {
    const { items, next } = page(fleet, marker === undefined ? { limit: 10 } : { limit: 10, marker });
    ids.push(...items.map((item) => item.vmId));
    sizes.push(items.length);
    marker = next;
  } while (marker !== undefined);
  expect(sizes).toEqual([10, 10, 5]);
  expect(ids).toEqual(vmStats(fleet, 'kvm-01').map((item) => item.vmId));
  expect(page(fleet, { limit: 25 })).not.toHaveProperty('next');
});

it('a page goes on where the last one ended, also when the VM there has left meanwhile', () => {
  const { fleet } = makeFleet({ hosts: 1, vms: 9 });
  const first = page(fleet, { limit: 3 });
  fleet.vm(first.items[2]?.vmId ?? '').vanish();
  const rest = page(fleet, { limit: 9, marker: first.next });
  expect(rest.items).toHaveLength(6);
  expect(rest.items.some((item) => first.items.some((one) => one.vmId === item.vmId))).toBe(false);
});

it('the agent may allow less than is asked for, and pages on its own when its list is longer', () => {
  const { fleet } = makeFleet({ hosts: 1, vms: 9 });
  expect(page(fleet, { limit: 1000 }, 4).items).toHaveLength(4);
  expect(page(fleet, {}, 4).items).toHaveLength(4);
  expect(page(fleet, { marker: page(fleet, {}, 4).next }, 4).items).toHaveLength(4);
  expect(Array.isArray(page(fleet, {}, 9))).toBe(true);
});

it.each([{ limit: 0 }, { limit: 1.5 }, { limit: '10' }, { limit: 5, marker: 'no such' }, { limit: 5, marker: 7 }])(
  'refuses the page %o',
  (params) => {
    expect(errorCode(makeFleet().fleet, 'kvm-01', 'Host.getAllVmStats', params)).toBe(-32602);
  },
);

it('lists ids and statuses of all VMs, or of those named', () => {
  const { fleet } = makeFleet();
  const [first] = vmStats(fleet, 'kvm-01');
  expect(resultOf(fleet, 'kvm-01', 'Host.getVMList')).toHaveLength(6);
  expect(resultOf(fleet, 'kvm-01', 'Host.getVMList', { vmList: [first?.vmId] })).toEqual([
    { vmId: first?.vmId, status: 'Up', statusTime: first?.statusTime },
  ]);
});

it('describes VMs in XML; one unknown VM fails the whole call, as with VDSM', () => {
  const { fleet } = makeFleet();
  const [first] = vmStats(fleet, 'kvm-01');
  const xmls = resultOf(fleet, 'kvm-01', 'Host.dumpxmls', { vmList: [first?.vmId] }) as Record<string, string>;
  expect(xmls[first?.vmId ?? '']).toContain(`<name>${first?.vmName}</name>`);
  expect(xmls[first?.vmId ?? '']).toContain(`<uuid>${first?.vmId}</uuid>`);
  expect(resultOf(fleet, 'kvm-01', 'Host.dumpxmls', { vmList: [] })).toEqual({});
  expect(errorCode(fleet, 'kvm-01', 'Host.dumpxmls', { vmList: [first?.vmId, 'nobody'] })).toBe(-32603);
  expect(errorCode(fleet, 'kvm-01', 'Host.dumpxmls')).toBe(-32603);
  fleet.vm(first?.vmId ?? '').changeDevices();
  const after = resultOf(fleet, 'kvm-01', 'Host.dumpxmls', { vmList: [first?.vmId] }) as Record<string, string>;
  expect(after[first?.vmId ?? '']).not.toBe(xmls[first?.vmId ?? '']);
});

it('knows its other methods and no more', () => {
  const { fleet } = makeFleet();
  const [first] = vmStats(fleet, 'kvm-01');
  expect(resultOf(fleet, 'kvm-01', 'Host.ping2')).toBe(true);
  expect(resultOf(fleet, 'kvm-01', 'Host.getJobs')).toEqual({});
  expect(resultOf(fleet, 'kvm-01', 'VM.getStats', { vmID: first?.vmId })).toEqual([first]);
  expect(errorCode(fleet, 'kvm-01', 'VM.getStats', { vmID: 'nobody' })).toBe(1);
  expect(errorCode(fleet, 'kvm-01', 'VM.destroy', { vmID: 'nobody' })).toBe(1);
  expect(errorCode(fleet, 'kvm-01', 'Host.confirmConnectivity')).toBe(-32601);
  expect(errorCode(fleet, 'kvm-01', 'constructor')).toBe(-32601);
});

it('fails every call with the error that is set', () => {
  const { fleet } = makeFleet();
  fleet.host('kvm-01').fail(1100, 'No free workers');
  expect(errorCode(fleet, 'kvm-01', 'Host.getStats')).toBe(1100);
  expect(errorCode(fleet, 'kvm-01', 'Host.nonsense')).toBe(1100);
  fleet.host('kvm-01').recover();
  expect(errorCode(fleet, 'kvm-01', 'Host.getStats')).toBe(null);
});

it('its clocks agree: statusTime is ms since boot + 2^31 - 1, dateTime is now', async () => {
  const { time, fleet } = makeFleet();
  await time.runFor(minutes(7) + 250);
  const stats = resultOf(fleet, 'kvm-01', 'Host.getStats') as { dateTime: string; bootTime: string };
  expect(stats.dateTime).toBe('2026-01-01T00:07:00 GMT');
  const uptime = Number(vmStats(fleet, 'kvm-01')[0]?.statusTime) - (2 ** 31 - 1);
  expect(Math.abs(time.now() - uptime - Number(stats.bootTime) * 1000)).toBeLessThan(1001);
});

it.each([
  ['{', { id: null, error: { code: -32700 } }],
  ['[]', { id: null, error: { code: -32600 } }],
  ['"text"', { id: null, error: { code: -32600 } }],
  ['{"jsonrpc":"2.0","method":"Host.ping2"}', { id: null, error: { code: -32600 } }],
  ['{"jsonrpc":"1.0","method":"Host.ping2","id":1}', { id: 1, error: { code: -32600 } }],
  ['{"jsonrpc":"2.0","method":7,"id":1}', { id: 1, error: { code: -32600 } }],
  ['{"jsonrpc":"2.0","method":"m","params":[1],"id":"x"}', { id: 'x', error: { code: -32602 } }],
  ['{"jsonrpc":"2.0","method":"m","params":null,"id":"ü"}', { id: 'ü', result: { asked: 'm' } }],
  ['{"jsonrpc":"2.0","method":"m","id":0}', { id: 0, result: { asked: 'm' } }],
])('JSON-RPC: %s', (body, expected) => {
  const answer = respond(body, (method) => ({ result: JSON.stringify({ asked: method }) }));
  expect(JSON.parse(answer)).toMatchObject({ jsonrpc: '2.0', ...expected });
  expect(answer).toMatch(/^[ -~]*$/);
});
