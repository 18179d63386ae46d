/**
 *   statistics  of hosts in contact: may use all slots
 *   contact     any call to a host without contact: half of them, so that silent hosts never take all
 *   background  capabilities of hosts in contact, slow and in no hurry: a quarter
 */
export type Lane = 'statistics' | 'contact' | 'background';

/**
 * One wish for a slot. Its states: *waiting* in a lane, *running* in a slot, *done* (it left either).
 * An *extra* is a second call to a host that has not been heard in this cycle. A hung host would hold its slots for the
 * whole deadline, so extras start only while more than half of the slots are free; one answer makes them ordinary.
 */
export interface Ticket {
  readonly lane: Lane;
  /** Called once, at its turn; may be within `submit`. */
  readonly start: () => void;
  extra: boolean;
  state: 'waiting' | 'running' | 'done';
}

interface LaneState {
  readonly most: number;
  inFlight: number;
  readonly ordinary: Fifo;
  readonly extras: Fifo;
}

/**
 * Bounds the requests in flight over all hosts. First come, first served within a lane; lanes that wait take turns.
 * A host never has more tickets here than it may have calls in flight, so none can fill a lane.
 */
export class Slots {
  readonly #total: number;
  readonly #lanes: Readonly<Record<Lane, LaneState>>;
  readonly #order: LaneState[];
  #inFlight = 0;
  #waiting = 0;

  constructor(total: number) {
    this.#total = Math.max(1, total);
    this.#lanes = {
      statistics: lane(this.#total),
      contact: lane(this.#total / 2),
      background: lane(this.#total / 4),
    };
    this.#order = Object.values(this.#lanes);
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Calls that wait for a slot. */
  get waiting(): number {
    return this.#waiting;
  }

  submit(ticket: Ticket): void {
    if (ticket.state === 'waiting') this.#waiting += 1;
    const { ordinary, extras } = this.#lanes[ticket.lane];
    (ticket.extra ? extras : ordinary).push(ticket);
    this.#serve();
  }

  /** Makes an extra that still waits an ordinary one. */
  promote(ticket: Ticket): void {
    if (!ticket.extra) return;
    ticket.extra = false;
    if (ticket.state !== 'waiting') return;
    this.#lanes[ticket.lane].ordinary.push(ticket);
    this.#serve();
  }

  /** The call has ended, or is no longer wanted. */
  leave(ticket: Ticket): void {
    const { state } = ticket;
    ticket.state = 'done';
    if (state === 'waiting') this.#waiting -= 1;
    if (state !== 'running') return;
    this.#inFlight -= 1;
    this.#lanes[ticket.lane].inFlight -= 1;
    this.#serve();
  }

  #serve(): void {
    for (let ticket = this.#next(); ticket !== undefined; ticket = this.#next()) {
      ticket.state = 'running';
      this.#waiting -= 1;
      this.#inFlight += 1;
      this.#lanes[ticket.lane].inFlight += 1;
      ticket.start();
    }
  }

  #next(): Ticket | undefined {
    if (this.#inFlight >= this.#total) return undefined;
    for (const [turn, state] of this.#order.entries()) {
      if (state.inFlight >= state.most) continue;
      const ticket = state.ordinary.shift(isWaiting);
      if (ticket === undefined) continue;
      // The lane that was served goes to the end.
      this.#order.splice(turn, 1);
      this.#order.push(state);
      return ticket;
    }
    // Room for two each time: an extra must not take the slot that the ordinary call beside it needs.
    if (this.#inFlight + 2 > this.#total / 2) return undefined;
    for (const state of this.#order) {
      if (state.inFlight + 2 > state.most / 2) continue;
      const ticket = state.extras.shift(isWaitingExtra);
      if (ticket !== undefined) return ticket;
    }
    return undefined;
  }
}

const isWaiting = (ticket: Ticket): boolean => ticket.state === 'waiting';
const isWaitingExtra = (ticket: Ticket): boolean => ticket.state === 'waiting' && ticket.extra;

function lane(most: number): LaneState {
  return { most: Math.max(1, Math.floor(most)), inFlight: 0, ordinary: new Fifo(), extras: new Fifo() };
}

/** A queue; tickets that left while they waited are dropped when they come up. */
class Fifo {
  #items: Ticket[] = [];
  #head = 0;

  push(ticket: Ticket): void {
    this.#items.push(ticket);
  }

  shift(wanted: (ticket: Ticket) => boolean): Ticket | undefined {
    while (this.#head < this.#items.length) {
      const ticket = this.#items[this.#head++] as Ticket;
      if (this.#head * 2 > this.#items.length) {
        this.#items = this.#items.slice(this.#head);
        this.#head = 0;
      }
      if (wanted(ticket)) return ticket;
    }
    return undefined;
  }
}
