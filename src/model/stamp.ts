/** Where a piece of evidence comes from. Times are ms since the epoch unless said otherwise. */
export interface EvidenceStamp {
  readonly host: string;
  /** Counts the sessions (connections) with this host; agent times compare only within one. */
  readonly session: number;
  readonly kind: 'poll' | 'push';
  /** Counts the evidence of this host in this process. */
  readonly seq: number;
  /** Monotonic ms before the question was sent (push: on arrival): newer than this means a command won. */
  readonly requestedAt: number;
  readonly receivedAt: number;
  /** The agent's own clock of the answer (statusTime, notify_time), if it gave one. */
  readonly agentTime?: number;
  /** Whether absence from it means anything: false for pushes, for partial lists and unreadable answers. */
  readonly complete: boolean;
}
