import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { messageOf, type Scheduler, type Telemetry, type Timer } from '../../kernel/index.js';
import type { ServerCertificate } from './certificate.js';

/** A quiet connection is closed; longer than the longest wait of a long poll. */
const QUIET_MS = 60_000;
/** Between two requests of a connection: longer than that, so that the client does not meet it closing. */
const KEEP_ALIVE_MS = 72_000;

export interface ListenerOptions {
  /** With one it speaks TLS. */
  readonly certificate: ServerCertificate | undefined;
  readonly serve: RequestListener;
  /** What could not be read as a request, or came too slowly. */
  readonly onClientError: (error: Error, socket: Socket) => void;
  /** How long a client may take to send its request. */
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
}

/** One listening socket. Who sends slowly, or nothing at all, holds a connection no longer than its time-outs. */
export class Listener {
  readonly #server: Server | TlsServer;
  readonly #sockets = new WeakSet<Socket>();

  constructor({ certificate, serve, onClientError, requestTimeoutMs, maxConnections }: ListenerOptions) {
    const http: ServerOptions = {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.min(10_000, requestTimeoutMs),
      connectionsCheckingInterval: Math.min(2000, requestTimeoutMs),
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: 16 * 1024,
    };
    this.#server =
      certificate === undefined
        ? createServer(http, serve)
        : createTlsServer(
            {
              ...http,
              cert: certificate.cert,
              key: certificate.key,
              minVersion: 'TLSv1.2',
              handshakeTimeout: Math.min(10_000, requestTimeoutMs),
            },
            serve,
          );
    this.#server.maxConnections = maxConnections;
    this.#server.setTimeout(QUIET_MS);
    this.#server.on('connection', (socket: Socket) => this.#sockets.add(socket));
    this.#server.on('clientError', (error, socket) => onClientError(error, socket as Socket));
  }

  owns(socket: Socket): boolean {
    return this.#sockets.has(socket);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** For connections that are yet to come. */
  renew(pair: { readonly cert: string; readonly key: string }): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(pair);
  }

  listen(at: { readonly host: string; readonly port: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(at, () => {
        this.#server.off('error', reject);
        resolve();
      });
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
