import { describe, expect, it } from 'vitest';
import { type Field, type Fields, initialRow, keyOf, type RowKind, rowKinds } from '../../src/model/index.js';
import { vm } from '../support/entities.js';

const kinds = Object.keys(rowKinds) as RowKind[];
const tables = kinds.map((kind): [RowKind, Fields, readonly string[]] => {
  const { fields, key } = rowKinds[kind];
  return [kind, fields, key];
});
/** Every table of fields once: two kinds of rows may share none. */
const allFields: [string, Field<unknown>][] = tables.flatMap(([kind, fields]) =>
  Object.entries(fields).map(([name, field]): [string, Field<unknown>] => [`${kind}.${name}`, field]),
);

const isOfKind: Readonly<Record<Field<unknown>['kind'], (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  int: (value) => Number.isInteger(value),
  float: (value) => typeof value === 'number',
  bool: (value) => typeof value === 'boolean',
  count: (value) => typeof value === 'bigint',
  json: (value) => typeof value === 'object',
  time: (value) => Number.isInteger(value),
  enum: (value) => typeof value === 'string',
};

describe.each(tables)('rows of %s', (_, fields, key) => {
  it('have no two fields in one column', () => {
    const columns = Object.values(fields).map((field) => field.column);
    expect(columns.filter((column, i) => columns.indexOf(column) !== i)).toEqual([]);
    for (const column of columns) expect(column).toMatch(/^[a-z][a-z0-9_]*$/);
  });

  it('have a key of fields that are always there and that no agent decides', () => {
    expect(key.length).toBeGreaterThan(0);
    for (const name of key) {
      expect(fields[name]?.owner).toBe('vurti');
      expect(fields[name]?.initial).not.toBeNull();
    }
  });

  it('start with the initial value of every field', () => {
    const row: Readonly<Record<string, unknown>> = initialRow(fields);
    expect(Object.keys(row)).toEqual(Object.keys(fields));
    for (const [name, field] of Object.entries(fields)) expect(row[name]).toBe(field.initial);
  });
});

describe('fields', () => {
  it.each(allFields)('%s starts with a value of its kind, or unknown', (_, field) => {
    expect(field.initial === null || isOfKind[field.kind](field.initial)).toBe(true);
  });

  it('of kind enum store one number per name, and start with a name that has one', () => {
    const enums = allFields.filter(([, field]) => field.kind === 'enum');
    expect(enums.length).toBeGreaterThan(5);
    for (const [name, { ids, initial }] of enums) {
      const numbers = Object.values(ids ?? {});
      expect(new Set(numbers).size, name).toBe(numbers.length);
      expect(ids, name).toHaveProperty(String(initial));
    }
    expect(allFields.filter(([, field]) => field.kind !== 'enum' && field.ids !== undefined)).toEqual([]);
  });

  it('of the agent with text from the guest have an end', () => {
    // An agent may send megabytes; columns that people see in tables are cut when decoded.
    const limited = allFields.filter(([name, field]) => name.startsWith('vm_dynamic') && field.max !== undefined);
    expect(limited.map(([name]) => name)).toEqual(
      expect.arrayContaining(['vm_dynamic.exitMessage', 'vm_dynamic.fqdn', 'vm_dynamic.session']),
    );
    for (const [, field] of limited) expect(field.kind).toBe('text');
  });

  it('of oVirt have oVirt’s columns (§7.1)', () => {
    const columnOf = new Map(allFields.map(([name, field]) => [name, field.column]));
    const expected = {
      'vds_dynamic.memCommited': 'mem_commited',
      'vds_statistics.usageCpuPercent': 'usage_cpu_percent',
      'vm_dynamic.runOnVds': 'run_on_vds',
      'vm_dynamic.guestUser': 'guest_cur_user_name',
      'vm_dynamic.hash': 'hash',
      'vm_interface_statistics.rxOffset': 'rx_offset',
      'disk_image_dynamic.readLatencySeconds': 'read_latency_seconds',
      'vm_jobs.cursorCur': 'cursor_cur',
    };
    for (const [name, column] of Object.entries(expected)) expect(columnOf.get(name), name).toBe(column);
  });
});

describe('keyOf', () => {
  const nic = { ...initialRow(rowKinds.vds_interface.fields), hostId: 'h1', name: 'eth0' };
  const node = { ...initialRow(rowKinds.numa_node.fields), hostId: 'h1', index: 1 };

  it.each([
    [
      'one column',
      { kind: 'vm_dynamic', row: vm('v1').dynamic } as const,
      { kind: 'vm_dynamic', deleted: ['v1'] } as const,
    ],
    [
      'two columns',
      { kind: 'vds_interface', row: nic } as const,
      { kind: 'vds_interface', deleted: ['h1', 'eth0'] } as const,
    ],
    ['a number', { kind: 'numa_node', row: node } as const, { kind: 'numa_node', deleted: ['h1', 1] } as const],
  ])('is the same for a row and its removal: %s', (_, write, removal) => {
    expect(keyOf(write)).toBe(keyOf(removal));
  });

  it('keeps parts apart that read alike when joined', () => {
    const keys = [
      ['a', 'b,c'],
      ['a,b', 'c'],
      ['a","b', 'c'],
    ].map((deleted) => keyOf({ kind: 'vds_interface', deleted }));
    expect(new Set(keys).size).toBe(3);
  });

  it('does not change with the other fields', () => {
    const [a, b] = [vm('v1', 'Up'), vm('v1', 'Down')].map(({ dynamic }) => keyOf({ kind: 'vm_dynamic', row: dynamic }));
    expect(a).toBe(b);
  });
});
