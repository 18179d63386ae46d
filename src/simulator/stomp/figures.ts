/** What an agent has seen on its wire since its start; a restart of the agent goes on counting. */
export interface WireFigures {
  /** Connections that are open now. */
  readonly open: number;
  /** Subscriptions to its events now. */
  readonly listeners: number;
  readonly busyWorkers: number;
  readonly waitingRequests: number;
  /** A request without id has killed its thread for requests. */
  readonly dead: boolean;
  readonly accepted: number;
  readonly frames: number;
  readonly requests: number;
  readonly replies: number;
  /** Replies to a destination where nobody listens. */
  readonly repliesDropped: number;
  readonly events: number;
  /** Events that nobody listened to. */
  readonly eventsLost: number;
  /** ERROR frames. */
  readonly errors: number;
  /** Requests refused with 1100. */
  readonly overloads: number;
  /** Requests without id. */
  readonly notifications: number;
  /** Connections that it closed, by what the client did wrong. */
  readonly badFrames: number;
  readonly notDetected: number;
  readonly heartBeatsMissed: number;
}

export type Counted = Exclude<keyof WireFigures, 'open' | 'listeners' | 'busyWorkers' | 'waitingRequests' | 'dead'>;

export class Counters {
  readonly #counts = new Map<Counted, number>();

  add(name: Counted): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  all(): Record<Counted, number> {
    const of = (name: Counted): number => this.#counts.get(name) ?? 0;
    return {
      accepted: of('accepted'),
      frames: of('frames'),
      requests: of('requests'),
      replies: of('replies'),
      repliesDropped: of('repliesDropped'),
      events: of('events'),
      eventsLost: of('eventsLost'),
      errors: of('errors'),
      overloads: of('overloads'),
      notifications: of('notifications'),
      badFrames: of('badFrames'),
      notDetected: of('notDetected'),
      heartBeatsMissed: of('heartBeatsMissed'),
    };
  }
}
