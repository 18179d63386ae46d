import { lookup } from 'node:dns/promises';
import type { RequestListener } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { type Clock, isLoopback, messageOf, type Scheduler, type Telemetry, VurtiError } from '../../kernel/index.js';
import type { ListenAddress } from '../../monitor/settings/index.js';
import { answerAlone, loading, refuseSocket, type StateHeaders } from './answers.js';
import { ServerCertificate, type TlsFiles } from './certificate.js';
import { allowedHosts, checkHost } from './guard.js';
import { CertificateWatch, Listener, warnOfEnd } from './listeners.js';

export interface FrontOptions {
  readonly listen: ListenAddress;
  /** Further values of the Host header to answer. */
  readonly allowedHosts?: readonly string[];
  /** With it the service speaks TLS; commands on this machine get a loopback address of their own. */
  readonly tls?: TlsFiles;
  /** At once, of all addresses each. */
  readonly maxConnections: number;
  /** How long a client may take to send its request. Default 15 s. */
  readonly requestTimeoutMs?: number;
  /** What the service does while nobody else answers, for the message of NOT_READY. */
  readonly phase: () => string;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/**
 * The sockets of the API. They are opened before what answers is loaded: that takes longer than a supervisor or a person
 * likes to wait for a word.
 *
 * Modes: *alone* – it answers /livez, and that the service starts; *handed over* (`serve`) – requests go to the API, also
 * those of connections that came before; *closed*.
 */
export class Front {
  readonly #options: FrontOptions;
  readonly #certificate: ServerCertificate | undefined;
  readonly #listeners: Listener[] = [];
  readonly #local: Listener | undefined;
  readonly #watch: CertificateWatch | undefined;
  #handler: RequestListener;
  #state: () => StateHeaders = () => loading;
  #hosts: ReadonlySet<string>;
  #listening: Promise<string> | undefined;
  #localUrl = '';

  /** @throws CONFIG_UNREADABLE, CONFIG_INVALID: of the certificate */
  constructor(options: FrontOptions) {
    const { tls, clock, telemetry } = options;
    this.#options = options;
    this.#hosts = allowedHosts(options.listen, options.allowedHosts ?? []);
    this.#handler = (request, response) =>
      answerAlone(
        request,
        response,
        ({ headers, socket }) => this.checkHost(headers.host, socket),
        this.#options.phase(),
      );
    if (tls === undefined) return;
    this.#certificate = new ServerCertificate(tls);
    warnOfEnd(this.#certificate, clock.now(), telemetry);
    // They need neither our CA nor a name that the certificate bears.
    this.#local = this.#listener();
    const renew = (pair: { readonly cert: string; readonly key: string }): void => {
      for (const listener of this.#listeners) listener.renew(pair);
    };
    this.#watch = new CertificateWatch(this.#certificate, renew, options);
  }

  /** For commands on this machine, while it listens. */
  get localUrl(): string {
    return this.#localUrl;
  }

  /** From now on this one answers. `state`: for what is refused before it is a request. */
  serve(handler: RequestListener, state: () => StateHeaders): void {
    this.#handler = handler;
    this.#state = state;
  }

  /** A name that is ours: by the address, by the settings, by the certificate. @throws HOST_HEADER_REFUSED */
  checkHost(header: string | undefined, socket: Socket): void {
    checkHost(header, this.#hosts, (name) => isOwnName(name, socket, this.#certificate));
  }

  /** Whether the connection ends on a loopback address. */
  isLocal(socket: Socket): boolean {
    return isLoopback(this.#options.listen.host) || this.#local?.owns(socket) === true;
  }

  /** Resolves with the base URL; a second call with the same. @throws LISTEN_FAILED */
  listen(): Promise<string> {
    this.#listening ??= this.#listen();
    return this.#listening;
  }

  async #listen(): Promise<string> {
    const { listen, allowedHosts: further = [] } = this.#options;
    const secure = this.#certificate !== undefined;
    let port: number;
    try {
      port = await this.#listenAt(listen);
      await this.#local?.listen({ host: '127.0.0.1', port: 0 });
    } catch (error) {
      throw new VurtiError('LISTEN_FAILED', `${textOf(listen)}: ${messageOf(error)}`, { cause: error });
    }
    const own = allowedHosts({ host: listen.host, port }, further);
    const local = this.#local === undefined ? [] : allowedHosts({ host: '127.0.0.1', port: this.#local.port }, []);
    this.#hosts = new Set([...own, ...local]);
    this.#watch?.start();
    const url = `${secure ? 'https' : 'http'}://${textOf({ host: listen.host, port })}`;
    this.#localUrl = this.#local === undefined ? url : `http://127.0.0.1:${this.#local.port}`;
    return url;
  }

  /** A name may stand for several addresses, as localhost does for 127.0.0.1 and ::1: the first must work. */
  async #listenAt({ host, port }: ListenAddress): Promise<number> {
    const addresses = host === 'localhost' ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
    const [first = host, ...further] = new Set(addresses);
    const main = this.#listener(this.#certificate);
    this.#listeners.push(main);
    await main.listen({ host: first, port });
    for (const address of further) {
      const listener = this.#listener(this.#certificate);
      const bound = await listener.listen({ host: address, port: main.port }).then(
        () => true,
        () => false,
      );
      if (bound) this.#listeners.push(listener);
    }
    return main.port;
  }

  #listener(certificate?: ServerCertificate): Listener {
    const { maxConnections, requestTimeoutMs = 15_000 } = this.#options;
    return new Listener({
      certificate,
      serve: (request, response) => this.#handler(request, response),
      onClientError: (error, socket) => refuseSocket(error, socket, this.#state()),
      requestTimeoutMs,
      maxConnections,
    });
  }

  /** Takes no more, answers what waits, then closes. */
  async close(): Promise<void> {
    this.#watch?.stop();
    await this.#listening?.catch(() => undefined);
    await Promise.all([...this.#listeners, ...(this.#local ? [this.#local] : [])].map((one) => one.close()));
  }
}

/** A name of our certificate, with whatever port a forwarder has; or the very address that the connection ends at. */
function isOwnName(header: string, socket: Socket, certificate: ServerCertificate | undefined): boolean {
  const [, name = '', port = ''] = /^(\[[\da-f:.]+\]|[^:]+)(?::(\d+))?$/.exec(header) ?? [];
  if (name === '') return false;
  if (certificate?.covers(name)) return true;
  const bare = name.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) !== 0 && bare === socket.localAddress?.replace(/^::ffff:/, '') && port === String(socket.localPort);
}

function textOf(address: ListenAddress): string {
  return `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}
