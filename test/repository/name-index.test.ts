import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NameIndex, type NamePlace } from '../../src/repository/index.js';

const key = ({ name, id }: NamePlace): string => `${name} ${id}`;
const byKey = (a: NamePlace, b: NamePlace): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1;

it('is in order at every place, whatever came and went', () => {
  const step = fc.record({ id: fc.nat(60).map(String), name: fc.option(fc.nat(20).map((n) => `web-${n}`)) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(30), (steps, from) => {
      const index = new NameIndex();
      const model = new Map<string, string>();
      for (const { id, name } of steps) {
        index.move(id, model.get(id) ?? null, name);
        if (name === null) model.delete(id);
        else model.set(id, name);
      }
      const all = [...model].map(([id, name]) => ({ name, id })).sort(byKey);
      expect([...index.after(null)]).toEqual(all);
      expect(index.size).toBe(all.length);
      const place = all[from] ?? { name: `web-${from % 20}`, id: '3' };
      expect([...index.after(place)]).toEqual(all.filter((one) => byKey(place, one) < 0 && key(one) !== key(place)));
      expect(index.named('web-7')).toEqual(all.filter(({ name }) => name === 'web-7').map(({ id }) => id));
    }),
  );
});

it.each([
  ['forwards', (n: number): number => n],
  ['backwards', (n: number): number => 5000 - n],
  ['mixed', (n: number): number => (n * 2657) % 5003],
])('holds many, added %s, and lets go of all', (_, order) => {
  const index = new NameIndex();
  const ids = Array.from({ length: 5000 }, (_, n) => String(10_000 + order(n)));
  for (const id of ids) index.move(id, null, `vm-${id}`);
  expect([...index.after(null)].map(({ id }) => id)).toEqual(ids.toSorted());
  for (const id of ids) index.move(id, `vm-${id}`, null);
  expect([...index.after(null), index.size]).toEqual([0]);
});

it('may change while it is read: what stays comes once', () => {
  const index = new NameIndex();
  for (let n = 0; n < 2000; n++) index.move(`v${n}`, null, `web-${1000 + n}`);
  const read: string[] = [];
  for (const { id } of index.after(null)) {
    read.push(id);
    if (read.length % 100 !== 50) continue;
    index.move(id, `web-${1000 + Number(id.slice(1))}`, null);
    index.move(`new ${read.length}`, null, 'aaa');
    index.move('v1999', read.length === 50 ? 'web-2999' : null, null);
  }
  expect(read).toEqual(Array.from({ length: 1999 }, (_, n) => `v${n}`));
});
