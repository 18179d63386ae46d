import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import type { ServerOptions as TlsServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf, type Scheduler, type Telemetry, type Timer } from '../kernel/index.js';
import type { ServerCertificate } from './certificate.js';

/** A quiet connection is closed; longer than the longest wait of a long poll. */
export const QUIET_MS = 60_000;

/** Who sends slowly, or nothing at all, holds a connection no longer than this. */
export function httpOptions(requestTimeout: number): ServerOptions {
  return {
    requestTimeout,
    headersTimeout: Math.min(10_000, requestTimeout),
    connectionsCheckingInterval: Math.min(2000, requestTimeout),
    maxHeaderSize: 16 * 1024,
  };
}

export function tlsOptions({ cert, key }: ServerCertificate, requestTimeout: number): TlsServerOptions {
  return {
    ...httpOptions(requestTimeout),
    cert,
    key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: Math.min(10_000, requestTimeout),
  };
}

/**
 * Plain HTTP for commands on this machine, beside a listener with TLS: they need neither its CA nor a name that its
 * certificate bears. Reads are as open here as those of a service that listens on loopback only.
 */
export class LocalListener {
  readonly #server: Server;
  readonly #sockets = new WeakSet<Socket>();

  constructor(serve: RequestListener, onClientError: (error: Error, socket: Socket) => void, requestTimeout: number) {
    this.#server = createServer(httpOptions(requestTimeout), serve);
    this.#server.setTimeout(QUIET_MS);
    this.#server.on('connection', (socket) => this.#sockets.add(socket));
    this.#server.on('clientError', (error, socket) => onClientError(error, socket as Socket));
  }

  owns(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: '127.0.0.1', port: 0 }, () => resolve());
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.#server.listening) resolve();
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
    });
  }
}

const LOOK_EVERY_MS = 30_000;
const DAY_MS = 86_400_000;

/** Takes a renewed certificate up without a restart. */
export class CertificateWatch {
  readonly #certificate: ServerCertificate;
  readonly #use: (pair: { readonly cert: string; readonly key: string }) => void;
  readonly #scheduler: Scheduler;
  readonly #telemetry: Telemetry;
  #timer: Timer | undefined;

  constructor(
    certificate: ServerCertificate,
    use: (pair: { readonly cert: string; readonly key: string }) => void,
    ports: { readonly scheduler: Scheduler; readonly telemetry: Telemetry },
  ) {
    this.#certificate = certificate;
    this.#use = use;
    this.#scheduler = ports.scheduler;
    this.#telemetry = ports.telemetry;
  }

  start(): void {
    this.#timer = this.#scheduler.after(
      LOOK_EVERY_MS,
      () => {
        this.look();
        this.start();
      },
      'server-certificate',
    );
  }

  stop(): void {
    this.#timer?.cancel();
  }

  look(): void {
    try {
      if (!this.#certificate.refresh()) return;
      this.#use(this.#certificate);
      this.#telemetry.log('info', 'The certificate of the API was read again', {
        until: new Date(this.#certificate.endsAt).toISOString(),
      });
    } catch (error) {
      this.#telemetry.log('error', 'The certificate of the API cannot be read again; the former one stays', {
        error: messageOf(error),
      });
    }
  }
}

/** Said at the start: a certificate that has ended, or is about to, is refused by all clients. */
export function warnOfEnd(certificate: ServerCertificate, now: number, telemetry: Telemetry): void {
  const days = Math.floor((certificate.endsAt - now) / DAY_MS);
  if (days < 30) telemetry.log('warn', 'The certificate of the API ends soon', { days });
}
