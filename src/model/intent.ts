import { boolOr, intOr, label, ownJson, type RowOf, text, time } from './field.js';

const ours = { owner: 'vurti' } as const;

/**
 * Advice that holds (D25): given and not withdrawn, acknowledged or not. A restart finds here what still waits for
 * somebody, and what must not be advised a second time. Key: key.
 */
export const intentFields = {
  key: label('intent_key', ours),
  intent: label('intent', ours),
  /** Tells apart what is advised several times in one status. */
  round: intOr('round', 0, ours),
  vmId: text('vm_id', ours),
  hostId: text('host_id', ours),
  clusterId: text('cluster_id', ours),
  time: time('given_at', ours),
  /** When the entity came to the status that the advice is about. */
  since: time('status_since', ours),
  correlation: text('correlation', ours),
  advisory: boolOr('advisory', false, ours),
  cause: ownJson<unknown>('cause'),
  evidence: ownJson<Readonly<Record<string, unknown>>>('evidence'),
  /** null: it waits for somebody. */
  acknowledgedAt: time('acknowledged_at', ours),
} as const;
export type IntentRow = RowOf<typeof intentFields>;
