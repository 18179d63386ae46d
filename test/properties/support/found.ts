import type { History } from './history.js';

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
];
