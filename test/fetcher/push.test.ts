import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePush } from '../../src/fetcher/index.js';
import type { AgentPush } from '../../src/model/index.js';
import { fixture, host, type Json } from './support/fixtures.js';
import { hostileValue } from './support/mutations.js';

interface Message {
  readonly method: string;
  readonly params?: Json;
}

describe('the kinds', () => {
  it('every sample is one of them and has no problem', () => {
    const pushes = fixture<Message[]>('events').map(({ method, params }) => decodePush(host, method, params));
    expect(pushes.map((push) => push?.problems)).toEqual(pushes.map(() => []));
    expect([...new Set(pushes.map((push) => push?.kind))].toSorted()).toEqual(expect.arrayContaining(['vmStatus']));
  });

  it('a status', () => {
    const push = decodePush(host, '|virt|VM_status|a', { a: { status: 'Paused', pauseCode: 'EIO' }, notify_time: 7 });
    expect(push).toMatchObject({ kind: 'vmStatus', notifyTime: 7, problems: [] });
    expect(vmsOf(push)).toEqual([['a', { status: 'Paused', pauseStatus: 'EIO' }, 7]]);
  });

  it.each<[Json, unknown]>([
    [
      { progress: 42, postcopy: false },
      { progress: 42, postcopy: false, downtimeMs: null },
    ],
    [
      { progress: '100', postcopy: 'True', downtime: 61 },
      { progress: 100, postcopy: true, downtimeMs: 61 },
    ],
    [{ progress: 7e8 }, { progress: 100, postcopy: false, downtimeMs: null }],
    [{ progress: -3.5 }, { progress: 0, postcopy: false, downtimeMs: null }],
    [{}, { progress: null, postcopy: false, downtimeMs: null }],
  ])('a migration %j', (said, expected) => {
    const push = decodePush(host, '|virt|VM_migration_status|a', { a: said, notify_time: 5 });
    expect(push).toEqual({
      kind: 'vmMigration',
      migrations: [{ vmId: 'a', ...(expected as object) }],
      notifyTime: 5,
      problems: [],
    });
  });

  it('the host’s network, with and without params', () => {
    const expected = { kind: 'hostConnection', problems: [] };
    expect(decodePush(host, '|net|host_conn|no_id', undefined)).toEqual({ ...expected, notifyTime: null });
    expect(decodePush(host, '|net|host_conn|no_id', { notify_time: 3 })).toEqual({ ...expected, notifyTime: 3 });
  });

  it('a job, by its id or that of the method', () => {
    const job = { kind: 'hostJob', status: 'done', notifyTime: 9, problems: [] };
    const params = { status: 'done', notify_time: 9 };
    expect(decodePush(host, '|jobs|status|j1', { ...params, id: 'j2' })).toEqual({ ...job, jobId: 'j2' });
    expect(decodePush(host, '|jobs|status|j1', params)).toEqual({ ...job, jobId: 'j1' });
    expect(decodePush(host, '|jobs|status|', { status: 'done' })).toBeNull();
  });

  it.each([
    '|virt|VM_hello|a',
    '|storage|status|a',
    '|virt|VM_status',
    '|virt|VM_status|a|b',
    'VM_status',
    '',
    null,
    7,
    `|virt|VM_status|${'x'.repeat(10_000)}`,
    '|virt|__proto__|a',
  ])('%s is none', (method) => {
    expect(decodePush(host, method, { a: { status: 'Up' } })).toBeNull();
  });
});

it('what cannot be read is a problem, never more', () => {
  const push = decodePush(host, '|virt|VM_migration_status|a', { a: 'x', b: { progress: 'soon' }, notify_time: 'now' });
  expect(push?.problems.map((problem) => problem.path)).toEqual(['a', 'b.progress', 'notify_time']);
  expect(decodePush(host, '|virt|VM_migration_status|a', [])?.problems).toHaveLength(1);
});

it('anything at all is harmless', () => {
  const method = fc.oneof(
    fc.constantFrom('|virt|VM_status|a', '|virt|VM_migration_status|a', '|net|host_conn|x', '|jobs|status|j'),
    fc.string({ unit: 'binary' }),
    hostileValue,
  );
  const params = fc.oneof(fc.dictionary(fc.string({ unit: 'binary' }), hostileValue), hostileValue);
  fc.assert(
    fc.property(method, params, (m, p) => {
      const push = decodePush(host, m, p);
      JSON.stringify(push, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
      for (const { status, dynamic } of push?.kind === 'vmStatus' ? push.vms : []) expect(dynamic.status).toBe(status);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    }),
    { numRuns: process.env['VURTI_SOAK'] === '1' ? 100_000 : 1000 },
  );
});

function vmsOf(push: AgentPush | null): unknown {
  return push?.kind === 'vmStatus' ? push.vms.map((vm) => [vm.vmId, vm.dynamic, vm.timestamp]) : null;
}
