import type { EvidenceStamp } from '../model/index.js';

/** Why a record exists. */
export interface Cause {
  /** Name of the rule row (docs/rules.md). */
  readonly rule: string;
  readonly source: CauseSource;
}

export type CauseSource =
  | ({ readonly by: 'poll' | 'push' } & Pick<EvidenceStamp, 'host' | 'session' | 'seq' | 'receivedAt'>)
  /** A failed attempt. */
  | { readonly by: 'failure'; readonly host: string; readonly code: string; readonly at: number }
  /** The manager, the API or the settings. */
  | { readonly by: 'inventory' | 'command'; readonly at: number }
  | { readonly by: 'timer' | 'start'; readonly at: number };

export function causeOf(rule: string, stamp: EvidenceStamp): Cause {
  return {
    rule,
    source: { by: stamp.kind, host: stamp.host, session: stamp.session, seq: stamp.seq, receivedAt: stamp.receivedAt },
  };
}
