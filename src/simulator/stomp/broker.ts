import type { Connection } from './connection.js';
import type { Frame } from './frames.js';

export const DEFAULT_REPLIES = 'jms.topic.vdsm_responses';
export const EVENTS = 'jms.queue.events';
const requestQueues = ['jms.topic.vdsm_requests', 'jms.topic.vdsm_irs_requests'];

interface Subscription {
  readonly connection: Connection;
  readonly id: string;
  readonly destination: string;
}

export interface BrokerOptions {
  /** A request for the agent, and where its answer is wanted. */
  readonly onRequest: (body: Buffer, replyTo: string) => void;
  readonly onError: () => void;
}

/**
 * Who listens to what, in one table for all connections: so everybody who is subscribed to a destination gets what is
 * sent there, replies to others included (vdsm-protocol.md §2).
 */
export class Broker {
  readonly #options: BrokerOptions;
  readonly #byDestination = new Map<string, Set<Subscription>>();
  readonly #byConnection = new Map<Connection, Map<string, Subscription>>();

  constructor(options: BrokerOptions) {
    this.#options = options;
  }

  subscribers(destination: string): number {
    return this.#byDestination.get(destination)?.size ?? 0;
  }

  /** False: a command that closes the connection. */
  take(connection: Connection, frame: Frame): boolean {
    switch (frame.command) {
      case 'CONNECT':
        this.#connect(connection, frame);
        return true;
      case 'SUBSCRIBE':
        this.#subscribe(connection, frame);
        return true;
      case 'UNSUBSCRIBE':
        this.#unsubscribe(connection, frame);
        return true;
      case 'SEND':
        this.#send(connection, frame);
        return true;
      case 'DISCONNECT': {
        // The agent says goodbye and leaves the closing to the client.
        const receipt = frame.headers.get('receipt');
        if (receipt !== undefined) connection.send('RECEIPT', { 'receipt-id': receipt });
        return true;
      }
      default:
        return false;
    }
  }

  /** To all who are subscribed there; says how many they are. */
  publish(destination: string, body: () => string): number {
    const subscriptions = this.#byDestination.get(destination);
    if (subscriptions === undefined) return 0;
    const text = body();
    const count = subscriptions.size;
    for (const { connection, id } of [...subscriptions]) {
      connection.send('MESSAGE', { destination, 'content-type': 'application/json', subscription: id }, text);
    }
    return count;
  }

  forget(connection: Connection): void {
    for (const subscription of this.#byConnection.get(connection)?.values() ?? []) this.#remove(subscription);
    this.#byConnection.delete(connection);
  }

  #connect(connection: Connection, { headers }: Frame): void {
    if (headers.get('accept-version') !== '1.2') {
      this.#error(connection, 'Version unsupported');
      return;
    }
    const [mine = 0, yours = 0] = (headers.get('heart-beat') ?? '0,0').split(',').map((part) => atLeastASecond(part));
    connection.send('CONNECTED', { version: '1.2', 'heart-beat': `${yours},${mine}` });
    connection.heartBeats({ in: mine, out: yours });
  }

  #subscribe(connection: Connection, { headers }: Frame): void {
    const [destination = '', id = ''] = [headers.get('destination'), headers.get('id')];
    const own = this.#byConnection.get(connection) ?? new Map<string, Subscription>();
    if (destination === '' || id === '') this.#error(connection, 'Missing destination or subscription id header');
    else if (own.has(id)) this.#error(connection, 'Subscription id already exists');
    else {
      const subscription = { connection, id, destination };
      this.#byConnection.set(connection, own.set(id, subscription));
      const all = this.#byDestination.get(destination) ?? new Set();
      this.#byDestination.set(destination, all.add(subscription));
    }
  }

  #unsubscribe(connection: Connection, { headers }: Frame): void {
    const id = headers.get('id') ?? '';
    const own = this.#byConnection.get(connection);
    const subscription = own?.get(id);
    if (id === '') this.#error(connection, 'Missing id header');
    else if (subscription === undefined) this.#error(connection, 'Subscription not available');
    else {
      own?.delete(id);
      this.#remove(subscription);
    }
  }

  #send(connection: Connection, { headers, body }: Frame): void {
    const destination = headers.get('destination') ?? '';
    if (requestQueues.some((queue) => destination === queue || destination.startsWith(`${queue}.`))) {
      this.#options.onRequest(body, headers.get('reply-to') ?? DEFAULT_REPLIES);
    } else if (this.publish(destination, () => body.toString('latin1')) === 0) {
      this.#error(connection, 'Subscription not available');
    }
  }

  #remove(subscription: Subscription): void {
    const all = this.#byDestination.get(subscription.destination);
    all?.delete(subscription);
    if (all?.size === 0) this.#byDestination.delete(subscription.destination);
  }

  /** The connection stays usable. */
  #error(connection: Connection, text: string): void {
    this.#options.onError();
    connection.send('ERROR', {}, text);
  }
}

function atLeastASecond(text: string): number {
  const ms = Number(text);
  return Number.isFinite(ms) && ms > 0 ? Math.max(1000, Math.floor(ms)) : 0;
}
