import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BinaryHeap } from '../../src/kernel/index.js';

const ascending = (a: number, b: number): boolean => a < b;

function drain<T>(heap: BinaryHeap<T>): T[] {
  const items: T[] = [];
  while (heap.size > 0) items.push(heap.pop() as T);
  return items;
}

describe('BinaryHeap', () => {
  it('gives nothing when empty', () => {
    const heap = new BinaryHeap(ascending);
    expect([heap.size, heap.peek(), heap.pop(), heap.size]).toEqual([0, undefined, undefined, 0]);
  });

  it('pops in the order of a sort, whatever was pushed', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new BinaryHeap(ascending);
        for (const n of numbers) heap.push(n);
        expect(heap.size).toBe(numbers.length);
        expect(drain(heap)).toEqual(numbers.toSorted((a, b) => a - b));
      }),
    );
  });

  it('stays in order when pushes and pops alternate', () => {
    // null: pop. A sorted array is the model that the heap is compared with.
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: null })), (steps) => {
        const heap = new BinaryHeap(ascending);
        let model: number[] = [];
        for (const step of steps) {
          if (step === null) expect(heap.pop()).toBe(model.shift());
          else {
            heap.push(step);
            model = [...model, step].toSorted((a, b) => a - b);
          }
          expect(heap.peek()).toBe(model[0]);
          expect(heap.size).toBe(model.length);
        }
      }),
    );
  });

  it('keeps equal items apart', () => {
    const heap = new BinaryHeap<{ due: number; name: string }>((a, b) => a.due < b.due);
    for (const name of ['a', 'b', 'c']) heap.push({ due: 1, name });
    const names = drain(heap).map((item) => item.name);
    expect(names.toSorted()).toEqual(['a', 'b', 'c']);
  });
});
