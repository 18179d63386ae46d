import { X509Certificate } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import type { AgentTls, HostEndpoint } from '../../model/index.js';
import type { AgentSession } from '../ports.js';

/** Bytes can be sent, TLS included. An error of the stream that nobody listens to is no uncaught one. */
export interface OpenSocket {
  readonly stream: Duplex;
  readonly session: AgentSession;
}

/** Whoever reads a connection's bytes to where they stay, instead of hearing `data` of its stream. */
export interface BytesReader {
  /** Where the next bytes are to go. */
  place(): Uint8Array;
  /** So many bytes have come to where the last `place` was. */
  read(bytes: number): void;
}

/** Where connections come from: the network, or memory in tests. */
export interface Sockets {
  /**
   * Connects. What arrives goes to `reader`, or is `data` of the stream where a connection knows no other way. Sets no deadline: `signal` gives up, and then what was begun is destroyed. Rejects with Node's own error.
   * That it resolves does not mean that the agent accepts us: with TLS 1.3 a refusal comes at the first read.
   */
  open(host: HostEndpoint, signal: AbortSignal, reader: BytesReader): Promise<OpenSocket>;
}

/** A host with several addresses: the next one is tried after so long. Node's own 250 ms give up on far networks. */
const NEXT_ADDRESS_MS = 2000;

/** Contexts hold the parsed CA: all hosts with the same keys share one. */
const contexts = new WeakMap<AgentTls, SecureContext>();

export const networkSockets: Sockets = {
  open: (host, signal, reader) =>
    new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const stream =
        host.tls === null
          ? connect({ ...addressing(host.address, host.port), ...onread(reader) })
          : encrypted(host, host.tls, { reader });
      const giveUp = (): void => {
        stream.destroy();
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      // Stays: between this promise and its reader an error would be an uncaught one.
      stream.on('error', (error) => {
        signal.removeEventListener('abort', giveUp);
        reject(error);
      });
      stream.once(host.tls === null ? 'connect' : 'secureConnect', () => {
        signal.removeEventListener('abort', giveUp);
        resolve({ stream, session: sessionOf(host, stream) });
      });
    }),
};

/**
 * TLS over a connection of its own, or over `socket`. What arrives is clear text for `reader`, too.
 *
 * @throws the error of TLS for certificates that cannot be read.
 */
export function encrypted(
  { address, port }: HostEndpoint,
  tls: AgentTls,
  over: { readonly socket: Socket } | { readonly reader: BytesReader },
): TLSSocket {
  return connectTls({
    ...addressing(address, port),
    ...('socket' in over ? over : onread(over.reader)),
    secureContext: contextOf(tls),
    // No name is announced, as the engine does not either. The address is what a checked certificate must bear.
    servername: '',
    // The CA always decides. Whether the certificate must also bear the name is a setting: oVirt does not ask for it.
    rejectUnauthorized: true,
    ...(tls.checkHostName ? {} : { checkServerIdentity: () => undefined }),
  });
}

function onread(reader: BytesReader) {
  const callback = (bytes: number): boolean => {
    reader.read(bytes);
    return true;
  };
  return { onread: { buffer: () => reader.place(), callback } };
}

const addressing = (host: string, port: number) => ({
  host,
  port,
  noDelay: true,
  autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
});

/** @throws the error of TLS for certificates that cannot be read. */
function contextOf(tls: AgentTls): SecureContext {
  const known = contexts.get(tls);
  if (known !== undefined) return known;
  const { ca, cert, key } = tls;
  const context = createSecureContext({
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    minVersion: 'TLSv1.2',
  });
  contexts.set(tls, context);
  return context;
}

export function sessionOf({ tls }: HostEndpoint, stream: Duplex): AgentSession {
  if (tls === null) return { agentCertificateExpiresAt: null, clientCertificateExpiresAt: null };
  return {
    agentCertificateExpiresAt: endOf((stream as TLSSocket).getPeerX509Certificate()),
    clientCertificateExpiresAt: tls.cert === undefined ? null : endOf(new X509Certificate(tls.cert)),
  };
}

function endOf(certificate: X509Certificate | undefined): number | null {
  const end = Date.parse(certificate?.validTo ?? '');
  return Number.isNaN(end) ? null : end;
}
