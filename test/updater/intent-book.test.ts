import { describe, expect, it } from 'vitest';
import type { Cause, Change, Intent, IntentKind, IntentRecord, LogRecord } from '../../src/events/index.js';
import { CountedIds, seconds, VirtualTime } from '../../src/kernel/index.js';
import type { IntentRow, RowWrite, Vds, Vm } from '../../src/model/index.js';
import { IntentBook, RecordMaker } from '../../src/updater/index.js';
import { hostPart, vmPart } from '../../src/updater/outbox.js';
import { host, vm } from '../support/entities.js';

const cause: Cause = { rule: 'r', source: { by: 'timer', at: 5 } };
const records = new RecordMaker(new CountedIds(), 'manager');

function setup(loaded: readonly IntentRow[] = []) {
  const time = new VirtualTime();
  /** What stands in the database. */
  const rows = new Map(loaded.map((row) => [row.key, row]));
  const apply = (writes: readonly RowWrite[]): void => {
    for (const write of writes) {
      if ('deleted' in write) rows.delete(String(write.deleted[0]));
      else if (write.kind === 'intent') rows.set(write.row.key, write.row);
    }
  };
  const book = new IntentBook({ clock: time, write: apply });
  expect(book.load(loaded)).toBe(0);
  const delivered: Intent[] = [];
  book.delivered$.subscribe((intent) => delivered.push(intent));
  let seq = 0;
  const commit = (record: IntentRecord): void => {
    seq += 1;
    book.committed([{ ...record, seq, cursor: `e1.${seq}` } as LogRecord]);
  };
  /** Gives and commits advice; its key, undefined when it was given already. */
  const give = (intent: IntentKind, about: { vm?: Vm; host?: Vds }, round = 0): string | undefined => {
    const draft = { intent, round, evidence: {}, ...(about.vm && { vmId: about.vm.id }) };
    const record = records.intent({ host: about.host, vm: about.vm }, draft, cause, time.now());
    const writes = book.admit(record);
    if (writes === null) return undefined;
    apply(writes);
    commit(record);
    return record.key;
  };
  const restart = () => setup([...rows.values()]);
  const follow = (change: Change) => apply(book.follow(change));
  return { time, book, rows, delivered, give, restart, follow };
}

const vmChanged = (after: Vm): Change => ({
  ...{ name: 'VmStateChanged', from: 'Up', to: after.dynamic.status, changes: [], cause },
  ...vmPart(after),
});
const hostChanged = (after: Vds): Change => ({
  ...{ name: 'VdsStateChanged', from: 'Up', to: after.dynamic.status, changes: [], cause },
  ...hostPart(after),
});
const down = vm('v1', 'Down', { statusSince: 500 });
const lost = host('h1', 'NonResponsive', { statusSince: 500 });

describe('IntentBook', () => {
  it('gives the same advice once, and delivers it when it is committed', () => {
    const { book, delivered, give } = setup();
    expect(give('autoRun', { vm: down })).toBe('autoRun:v1:-:500');
    expect(give('autoRun', { vm: down })).toBeUndefined();
    expect(delivered).toHaveLength(1);
    expect(book.pending()).toMatchObject([{ intent: 'autoRun', vmId: 'v1', cursor: 'e1.1' }]);
  });

  it('what is not committed is not pending', () => {
    const { book } = setup();
    book.admit(records.intent({ host: undefined, vm: down }, { intent: 'autoRun', evidence: {} }, cause, 1));
    expect(book.pending()).toEqual([]);
  });

  it('is acknowledged once, and not given again while its ground holds', () => {
    const { book, give } = setup();
    const key = give('autoRun', { vm: down }) as string;
    expect([book.acknowledge(key), book.acknowledge(key), book.acknowledge('never')]).toEqual([true, false, false]);
    expect(book.pending()).toEqual([]);
    expect(give('autoRun', { vm: down })).toBeUndefined();
  });

  it('is found again after a restart with the same key, and what was acknowledged is not', () => {
    const first = setup();
    const kept = first.give('autoRun', { vm: down });
    const done = first.give('processDownVm', { vm: down }) as string;
    first.book.acknowledge(done);
    const second = first.restart();
    expect(second.book.pending()).toMatchObject([{ key: kept, cursor: null, cause, since: 500 }]);
    expect(second.give('autoRun', { vm: down })).toBeUndefined();
    expect(second.give('processDownVm', { vm: down })).toBeUndefined();
    second.book.redeliver();
    expect(second.delivered.map((intent) => intent.key)).toEqual([kept]);
  });

  it.each<[string, IntentKind, { vm?: Vm; host?: Vds }, Change, boolean]>([
    ['a VM that runs again', 'autoRun', { vm: down }, vmChanged(vm('v1', 'Up', { statusSince: 900 })), true],
    ['another VM', 'autoRun', { vm: down }, vmChanged(vm('v2', 'Up', { statusSince: 900 })), false],
    ['another field of it', 'autoRun', { vm: down }, { name: 'VmUpdated', changes: [], cause, ...vmPart(down) }, false],
    ['another status in the same ms', 'autoRun', { vm: down }, vmChanged(vm('v1', 'Up', { statusSince: 500 })), true],
    ['a VM that is removed', 'autoRun', { vm: down }, { name: 'VmRemoved', cause, ...vmPart(down) }, true],
    ['a host that is back', 'fence', { host: lost }, hostChanged(host('h1', 'Up', { statusSince: 900 })), true],
    ['a host that is fenced', 'fence', { host: lost }, hostChanged(host('h1', 'Reboot', { statusSince: 900 })), true],
    ['a host tried again', 'fence', { host: lost }, hostChanged(host('h1', 'Connecting', { statusSince: 900 })), false],
    ['a host that is removed', 'fence', { host: lost }, { name: 'VdsRemoved', cause, ...hostPart(lost) }, true],
  ])('is withdrawn with its ground: %s', (_, intent, about, change, withdrawn) => {
    const { book, rows, give, follow } = setup();
    give(intent, about);
    follow(change);
    expect(book.pending()).toHaveLength(withdrawn ? 0 : 1);
    expect(rows.size).toBe(withdrawn ? 0 : 1);
  });

  it('a later life of the VM has a key of its own', () => {
    const { give, follow } = setup();
    const first = give('autoRun', { vm: down });
    follow(vmChanged(vm('v1', 'Up', { statusSince: 900 })));
    const again = vm('v1', 'Down', { statusSince: 1000 });
    follow(vmChanged(again));
    expect(give('autoRun', { vm: again })).not.toBe(first);
  });

  it('a host that was silent before the restart and still is gets no second advice', () => {
    const first = setup();
    const key = first.give('fence', { host: lost });
    const second = first.restart();
    second.follow(hostChanged(host('h1', 'Connecting', { statusSince: 2000 })));
    const again = host('h1', 'NonResponsive', { statusSince: 3000 });
    second.follow(hostChanged(again));
    expect(second.give('fence', { host: again })).toBeUndefined();
    expect(second.book.pending()).toMatchObject([{ key }]);
  });

  it('a new round takes the place of the one before; the one left by the last process is the first round', () => {
    const first = setup();
    expect(first.give('restartOnLease', { host: lost, vm: vm('v1', 'Unknown') }, 1)).toBeDefined();
    expect(first.give('restartOnLease', { host: lost, vm: vm('v1', 'Unknown') }, 1)).toBeUndefined();
    const key = first.give('restartOnLease', { host: lost, vm: vm('v1', 'Unknown') }, 2);
    expect(first.book.pending()).toMatchObject([{ key }]);
    const second = first.restart();
    expect(second.give('restartOnLease', { host: lost, vm: vm('v1', 'Unknown') }, 1)).toBeUndefined();
    expect(second.book.pending()).toMatchObject([{ key }]);
    expect(second.give('restartOnLease', { host: lost, vm: vm('v1', 'Unknown') }, 3)).toBeDefined();
    expect(second.book.size).toBe(1);
  });

  describe('remains of a VM', () => {
    const remains = { vm: down, host: host('h1') };
    const lists = (...ids: string[]) => ({ has: (id: string) => ids.includes(id) });

    it('are advised until the host does not list them any more, then anew', async () => {
      const { book, give, time, rows } = setup();
      const key = give('destroy', remains);
      book.reported('h1', lists('v1'));
      book.reported('h2', lists());
      expect(book.pending()).toHaveLength(1);
      book.reported('h1', lists('v2'));
      expect([book.pending().length, rows.size]).toEqual([0, 0]);
      await time.runFor(seconds(15));
      expect(give('destroy', remains)).not.toBe(key);
    });

    it('are not destroyed when the VM runs there', () => {
      const { book, give, follow } = setup();
      give('destroy', remains);
      follow(vmChanged(vm('v1', 'Up', { runOnVds: 'h2', statusSince: 900 })));
      expect(book.pending()).toHaveLength(1);
      follow(vmChanged(vm('v1', 'Up', { runOnVds: 'h1', statusSince: 950 })));
      expect(book.pending()).toEqual([]);
    });

    it('stay when the VM leaves the inventory, and go with the host', () => {
      const { book, give, follow } = setup();
      give('destroy', remains);
      follow({ name: 'VmRemoved', cause, ...vmPart(down) });
      expect(book.pending()).toHaveLength(1);
      follow({ name: 'VdsRemoved', cause, ...hostPart(remains.host) });
      expect(book.pending()).toEqual([]);
    });

    it('that are listed long after they were destroyed are advised again', async () => {
      const { book, give, time } = setup();
      const key = give('destroy', remains) as string;
      book.acknowledge(key);
      await time.runFor(seconds(299));
      expect(give('destroy', remains)).toBeUndefined();
      await time.runFor(seconds(2));
      expect(give('destroy', remains)).toMatch(/^destroy:v1:h1:\d+$/);
      expect(book.size).toBe(1);
    });
  });

  it('leaves out stored advice of a kind that it does not know', () => {
    const book = new IntentBook({ clock: new VirtualTime(), write: () => undefined });
    const { rows, give } = setup();
    give('autoRun', { vm: down });
    const [row] = [...rows.values()];
    expect(book.load([{ ...(row as IntentRow), intent: 'teleport' }])).toBe(1);
    expect(book.size).toBe(0);
  });
});
