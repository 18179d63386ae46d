import type { History } from './history.js';
import type { Delivery, Rounds } from './rounds.js';

/** Histories that broke a law once, shortened, with what was wrong. They are lived again at every run. */
export const found: readonly { readonly what: string; readonly history: Omit<History, 'mode'> }[] = [
  {
    what: 'a busy answer slowed the polls down, and made VMs that had grown stale live again without a report',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'boot', host: 0, recovering: true }, seconds: 70 },
        { step: { does: 'fault', host: 0, kind: 'busy', of: 'everything' }, seconds: 4 },
        { step: { does: 'become', vm: 0, status: 'Up' }, seconds: 4 },
      ],
    },
  },
  {
    what: 'the same for VMs that the report did not list after which the polls were slowed down',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'fault', host: 0, kind: 'busy', of: 'everything' }, seconds: 0 },
        { step: { does: 'end', vm: 0, error: false, reason: 'Success' }, seconds: 21 },
        { step: { does: 'become', vm: 0, status: 'Up' }, seconds: 4 },
        { step: { does: 'boot', host: 0, recovering: false }, seconds: 70 },
        { step: { does: 'failToMigrate', vm: 0 }, seconds: 4 },
      ],
    },
  },
  {
    what: 'the same where a slow queue notes the missing VM after the pace has changed',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 1,
      moments: [
        { step: { does: 'fault', host: 0, kind: 'busy', of: 'everything' }, seconds: 0 },
        { step: { does: 'vanish', vm: 0 }, seconds: 25 },
      ],
    },
  },
  {
    what: 'a VM that two hosts report is removed, taken in again and told of again: a fault of the law, which did not see it go',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'start', vm: 5, host: 0, as: 'Up' }, seconds: 0 },
        { step: { does: 'say', vm: 0, what: 'fqdn' }, seconds: 10 },
        { step: { does: 'removeVm', vm: 5 }, seconds: 70 },
      ],
    },
  },
  {
    what: 'a migration that the manager announced twice was written twice, and recorded as a change of nothing',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'migrate', vm: 1, to: 2, told: true }, seconds: 4 },
        { step: { does: 'migrate', vm: 1, to: 2, told: true }, seconds: 4 },
        { step: { does: 'start', vm: 0, host: 0, as: 'Up' }, seconds: 4 },
      ],
    },
  },
  {
    what: 'a VM that nobody runs is final when the last host is heard, also while the database is away: a fault of the law',
    history: {
      inventory: true,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'restart', how: 'stop' }, seconds: 0 },
        { step: { does: 'become', vm: 0, status: 'MigratingTo' }, seconds: 4 },
        { step: { does: 'loseDatabase' }, seconds: 4 },
        { step: { does: 'arrive', vm: 1, source: 'down' }, seconds: 4 },
        { step: { does: 'start', vm: 0, host: 1, as: 'Up' }, seconds: 4 },
      ],
    },
  },
  {
    what: 'the same when the last host is not heard but has had its chance, while the database is away: a fault of the law',
    history: {
      inventory: true,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'restart', how: 'stop' }, seconds: 4 },
        { step: { does: 'loseDatabase' }, seconds: 4 },
        { step: { does: 'fault', host: 0, kind: 'hang', of: 'everything' }, seconds: 17 },
      ],
    },
  },
  {
    what: 'three hosts report a VM, and there are two alerts before the first of them is heard again: a fault of the law',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'start', vm: 5, host: 1, as: 'Up' }, seconds: 0 },
        { step: { does: 'start', vm: 5, host: 0, as: 'Up' }, seconds: 10 },
        { step: { does: 'restart', how: 'stop' }, seconds: 4 },
        { step: { does: 'migrate', vm: 0, to: 0, told: false }, seconds: 4 },
      ],
    },
  },
  {
    what: 'the host that a VM was taken from reports it again when its new owner has just lost it: told to run on two hosts',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'fault', host: 2, kind: 'error', of: 'everything' }, seconds: 0 },
        { step: { does: 'start', vm: 8, host: 1, as: 'Up' }, seconds: 10 },
        { step: { does: 'vanish', vm: 8 }, seconds: 10 },
      ],
    },
  },
  {
    what: 'the second of two copies ends, a third begins, and nobody is told: the alert of the second one still counted',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'start', vm: 2, host: 1, as: 'Up' }, seconds: 0 },
        { step: { does: 'start', vm: 2, host: 0, as: 'Up' }, seconds: 0 },
        { step: { does: 'fault', host: 0, kind: 'error', of: 'everything' }, seconds: 0 },
        { step: { does: 'start', vm: 7, host: 0, as: 'Paused' }, seconds: 10 },
        { step: { does: 'boot', host: 1, recovering: true }, seconds: 0 },
      ],
    },
  },
  {
    what: 'a VM goes with its host, is taken in again, and is on two hosts without a word: those that had lost it were remembered',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'start', vm: 6, host: 1, as: 'Up' }, seconds: 0 },
        { step: { does: 'start', vm: 6, host: 2, as: 'Up' }, seconds: 10 },
        { step: { does: 'removeHost', host: 2 }, seconds: 0 },
      ],
    },
  },
  {
    what: 'the same with an inventory: the VM is nobody’s for a moment, and three alerts are right; a fault of the law',
    history: {
      inventory: true,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'start', vm: 6, host: 1, as: 'Up' }, seconds: 0 },
        { step: { does: 'start', vm: 6, host: 2, as: 'Up' }, seconds: 20 },
        { step: { does: 'removeHost', host: 2 }, seconds: 0 },
      ],
    },
  },
  {
    what: 'a host said that a VM had migrated away from it, and the one that had it before was alerted of as a second copy',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'fault', host: 2, kind: 'hang', of: 'everything' }, seconds: 0 },
        { step: { does: 'start', vm: 8, host: 0, as: 'Up' }, seconds: 10 },
        { step: { does: 'end', vm: 8, error: false, reason: 'MigrationSucceeded' }, seconds: 12 },
      ],
    },
  },
  {
    what: 'a second copy was told of and ended, the same host ran one again, and nobody was told',
    history: {
      inventory: false,
      lingerMs: 0,
      sliceSize: 500,
      moments: [
        { step: { does: 'start', vm: 1, host: 2, as: 'Up' }, seconds: 31 },
        { step: { does: 'end', vm: 1, error: false, reason: 'Success' }, seconds: 11 },
        { step: { does: 'start', vm: 1, host: 1, as: 'Up' }, seconds: 70 },
      ],
    },
  },
];

/** The same for law 6. */
export const foundInOrders: readonly {
  readonly what: string;
  readonly history: Rounds;
  readonly deliveries: readonly [Delivery, Delivery];
}[] = [
  {
    what: 'a report that was asked for at the instant of a command: a fault of the deliveries, whose evidence was not the same',
    history: {
      mode: 'manager',
      inventory: false,
      rounds: [
        [],
        [{ does: 'migrate', vm: 3, to: 2, told: true }],
        [
          { does: 'arrive', vm: 3, source: 'gone' },
          { does: 'migrate', vm: 3, to: 1, told: true },
        ],
      ],
    },
    deliveries: [
      {
        orders: [
          [2, 0, 1],
          [0, 1, 2],
        ],
        gapMs: 300,
        sliceSize: 500,
      },
      { orders: [[0, 1, 2]], gapMs: 0, sliceSize: 500 },
    ],
  },
];
