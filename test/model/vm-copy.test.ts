import { expect, it } from 'vitest';
import {
  copyOfVmDynamic,
  type Fields,
  type VmDynamic,
  vmDynamicFields,
  withParts,
  withState,
} from '../../src/model/index.js';
import { laidOver } from '../../src/rules/index.js';
import { vm as vmOf } from '../support/entities.js';

/** Every field with a value that no other has. */
const all = Object.fromEntries(Object.keys(vmDynamicFields).map((name) => [name, `value of ${name}`]));
const state = all as unknown as VmDynamic;

it('a copy has every field of the table, in its order, and is another object', () => {
  const copy = copyOfVmDynamic(state);
  expect(Object.entries(copy)).toEqual(Object.entries(all));
  expect(copy).not.toBe(state);
});

it('a push laid over a state has every field of the agent, the said ones as they are said, in the order of the table', () => {
  const agent = Object.entries(vmDynamicFields as Fields).filter(([, field]) => field.owner === 'agent');
  const said = { guestUser: 'somebody', clientIp: null };
  const nothing = { vmName: null, deviceHash: null, tpmHash: null, nvramHash: null, figuresVersion: 0 };
  const push = { ...nothing, vmId: 'vm-1', status: 'Paused', timestamp: 1, dynamic: said } as const;
  const parts = { statistics: () => null, guestInterfaces: () => null, jobs: () => null };
  const { dynamic } = laidOver({ ...push, ...parts }, state);
  expect(Object.entries(dynamic)).toEqual(
    agent.map(([name]) => [name, name in said ? said[name as keyof typeof said] : `value of ${name}`]),
  );
});

it('a VM with other parts keeps the rest, the same objects', () => {
  const vm = vmOf('v1');
  const devices = [...vm.devices];
  const next = withParts(vm, { devices });
  expect(Object.keys(next)).toEqual(Object.keys(vm));
  for (const part of ['id', 'static', 'dynamic', 'guestInterfaces', 'jobs'] as const) expect(next[part]).toBe(vm[part]);
  expect(next.devices).toBe(devices);
  const changed = withState(vm, { guestUser: 'somebody' });
  expect(changed.dynamic).toEqual({ ...vm.dynamic, guestUser: 'somebody' });
  expect(vm.dynamic.guestUser).not.toBe('somebody');
  expect(changed.static).toBe(vm.static);
});
