import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { VurtiError } from '../../kernel/index.js';
import type { AgentTls, HostEndpoint } from '../../model/index.js';
import { Rooms } from '../rooms.js';
import { LeanConnection } from './lean-connection.js';

/** A call of Node's client in flight; `end` must be called when it is over. */
export interface Flight {
  readonly agent: HttpAgent | HttpsAgent;
  /** Aborts when the caller gives up, or when the host is released. */
  readonly signal: AbortSignal;
  end(): void;
}

interface Connection {
  readonly address: string;
  readonly port: number;
  readonly tls: AgentTls | null;
  readonly agent: HttpAgent | HttpsAgent;
  readonly lean: LeanConnection | null;
  readonly flights: Set<AbortController>;
}

/**
 * Sockets that are kept alive, per host: one host can neither use up nor close those of another. Made at the first call;
 * made anew when the endpoint is no longer the same.
 */
export class Connections {
  readonly #byHost = new Map<string, Connection>();
  readonly #leanHeaders: Readonly<Record<string, string>> | null;
  readonly #rooms = new Rooms();

  /** `leanHeaders`: those of every request, where it goes over sockets of our own; null: nowhere. */
  constructor(leanHeaders: Readonly<Record<string, string>> | null) {
    this.#leanHeaders = leanHeaders;
  }

  /**
   * Where the host is asked without Node's client; null: nowhere.
   *
   * @throws the error of TLS for certificates that cannot be read.
   */
  lean(host: HostEndpoint, maxSockets: number): LeanConnection | null {
    const { lean } = this.#connectionOf(host);
    // Settings may change while the connection stays.
    if (lean !== null) lean.maxSockets = maxSockets;
    return lean;
  }

  /** @throws the error of TLS for certificates that cannot be read. */
  begin(host: HostEndpoint, maxSockets: number, caller: AbortSignal): Flight {
    const connection = this.#connectionOf(host);
    connection.agent.maxSockets = maxSockets;
    const controller = new AbortController();
    const onCallerAbort = (): void => controller.abort(caller.reason);
    // A signal that has aborted already, between two pages, tells nobody again.
    if (caller.aborted) onCallerAbort();
    caller.addEventListener('abort', onCallerAbort, { once: true });
    connection.flights.add(controller);
    return {
      agent: connection.agent,
      signal: controller.signal,
      end: () => {
        connection.flights.delete(controller);
        caller.removeEventListener('abort', onCallerAbort);
      },
    };
  }

  /** Gives up the host's calls in flight with this reason, then closes its sockets. */
  release(hostId: string, reason: unknown): void {
    const connection = this.#byHost.get(hostId);
    if (connection === undefined) return;
    this.#byHost.delete(hostId);
    for (const flight of connection.flights) flight.abort(reason);
    connection.agent.destroy();
    connection.lean?.close(reason);
  }

  /** Bytes of an answer that nobody looks at any more, to be read into again. */
  giveBack(bytes: Buffer): void {
    this.#rooms.giveBack(bytes);
  }

  hosts(): readonly string[] {
    return [...this.#byHost.keys()];
  }

  #connectionOf(host: HostEndpoint): Connection {
    const known = this.#byHost.get(host.id);
    if (known !== undefined) {
      if (isFor(known, host)) return known;
      this.release(
        host.id,
        new VurtiError('AGENT_ABORTED', `${host.name} is asked at another address or with other keys now`),
      );
    }
    const { address, port, tls } = host;
    const options = tls === null ? null : tlsOptions(tls);
    const agent =
      options === null ? new HttpAgent({ keepAlive: true }) : new HttpsAgent({ ...options, keepAlive: true });
    const headers = this.#leanHeaders;
    const target = { address, port, tls: leanTls(options) };
    const lean = headers === null ? null : new LeanConnection(target, headers, this.#rooms);
    const connection = { address, port, tls, agent, lean, flights: new Set<AbortController>() };
    this.#byHost.set(host.id, connection);
    return connection;
  }
}

function isFor(known: Connection, { address, port, tls }: HostEndpoint): boolean {
  if (known.address !== address || known.port !== port) return false;
  if (known.tls === tls) return true;
  if (known.tls === null || tls === null) return false;
  const { ca, cert, key, checkHostName } = known.tls;
  return ca === tls.ca && cert === tls.cert && key === tls.key && checkHostName === tls.checkHostName;
}

function tlsOptions({ ca, cert, key, checkHostName }: AgentTls): ConnectionOptions {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    minVersion: 'TLSv1.2',
    // The CA always decides. Whether the certificate must also bear the name is a setting: oVirt does not ask for it.
    rejectUnauthorized: true,
    ...(checkHostName ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** The keys are read once for all sockets; an agent that speaks other protocols too is told which one is meant. */
function leanTls(options: ConnectionOptions | null): ConnectionOptions | null {
  if (options === null) return null;
  return { ...options, secureContext: createSecureContext(options), ALPNProtocols: ['http/1.1'] };
}
