import type { Condition, Disturbance } from './condition.js';

/** A host's agent on the wire, whatever its protocol. */
export interface WireAgent {
  /** Known after the start. */
  readonly port: number;
  /** @throws LISTEN_FAILED. An agent whose host refuses connections is given its port and closed again. */
  start(): Promise<void>;
  /** Nothing is left. Safe to call twice. */
  stop(): Promise<void>;
  /** The host's condition is another one now. */
  apply(now: Condition, before: Condition): void;
  /** Something happens to the connections that there are. */
  disturb(disturbance: Disturbance): void;
}
