import { X509Certificate } from 'node:crypto';
import { messageOf, type VurtiError } from '../kernel/index.js';
import type { AgentTls } from '../model/index.js';
import { agentError, badAnswer, type Question } from './agent-errors.js';
import { excerpt } from './text.js';

/** What Node calls the ways in which a connection does not come about or breaks. */
const broken: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection',
  ECONNRESET: 'closed the connection without a whole answer',
  ECONNABORTED: 'closed the connection without a whole answer',
  EPIPE: 'closed the connection while it was being asked',
  ERR_STREAM_PREMATURE_CLOSE: 'closed the connection in the middle of its answer',
  ETIMEDOUT: 'does not answer: the connection timed out',
  EHOSTUNREACH: 'cannot be reached: no route to this address',
  ENETUNREACH: 'cannot be reached: no route to this network',
  EHOSTDOWN: 'cannot be reached: the host is down',
  ENETDOWN: 'cannot be reached: the network of this machine is down',
  EADDRNOTAVAIL: 'cannot be reached: this machine has no address or port left for it',
};

/** TLS alerts by which the other side says that it does not accept our certificate (RFC 8446 §6). */
const certificateAlerts: Readonly<Record<number, string>> = {
  42: 'bad certificate',
  43: 'unsupported certificate',
  44: 'certificate revoked',
  45: 'certificate expired',
  46: 'certificate unknown',
  48: 'unknown CA',
  49: 'access denied',
  116: 'certificate required',
};
const HANDSHAKE_FAILURE = 40;

/** Errors of Node's own verification of the agent's certificate have these words as codes. */
const VERIFICATION = /CERT|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|INVALID_(?:CA|PURPOSE)|CRL|_TRUST/;

/** An error of the transport, as the error that callers decide by. */
export function transportError(ask: Question, error: unknown): VurtiError {
  const cause = rootOf(error);
  const code = codeOf(cause);
  const message = messageOf(cause);
  const refusal = certificateRefusal(ask, message);
  if (refusal !== undefined) {
    return agentError('AGENT_CERT_REFUSED', ask, `closed the connection: ${refusal}`, { cause });
  }
  if (code === 'ENOTFOUND' || code.startsWith('EAI_')) {
    return agentError('AGENT_UNKNOWN_HOST', ask, `cannot be reached: the name does not resolve (${code})`, { cause });
  }
  if (isTls(code)) {
    return agentError('AGENT_TLS', ask, `could not be reached by TLS: ${excerpt(message, 200)}`, { cause });
  }
  if (code.startsWith('HPE_')) return badAnswer(ask, `it is not HTTP (${code})`, undefined, cause);
  if (code.startsWith('Z_') || code.startsWith('ERR_BROTLI') || code.startsWith('ERR_ZSTD')) {
    return badAnswer(ask, `it cannot be decompressed (${code})`, undefined, cause);
  }
  return agentError('AGENT_UNREACHABLE', ask, breakOf(code, message), { cause });
}

function breakOf(code: string, message: string): string {
  // Node has one code for both; that it was the handshake is half of the diagnosis.
  if (/before secure TLS connection/.test(message)) return `closed the connection in the TLS handshake (${code})`;
  const what = broken[code];
  return what === undefined ? `cannot be reached: ${excerpt(message, 200)}` : `${what} (${code})`;
}

/**
 * Node's own error below axios'. The one of axios is never kept: it carries the request's settings and with them the
 * private key.
 */
function rootOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { cause } = error;
  if (cause instanceof Error) return cause;
  if (!('config' in error)) return error;
  return Object.assign(new Error(error.message), { code: codeOf(error) });
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** With TLS 1.3 the handshake seems to succeed, and the alert comes with the first read (vdsm-protocol.md §1). */
function certificateRefusal({ host }: Question, message: string): string | undefined {
  const number = Number(/alert number (\d+)/.exec(message)?.[1]);
  const name = certificateAlerts[number];
  if (name !== undefined) return `it does not accept our certificate (alert ${number}, ${name})${issuerOf(host.tls)}`;
  // TLS 1.2 has no alert of its own for "you sent none".
  const none = number === HANDSHAKE_FAILURE && host.tls?.cert === undefined;
  return none ? `it wants a certificate and none is configured (alert ${number})` : undefined;
}

/** Who signed what was refused is half of the diagnosis. */
function issuerOf(tls: AgentTls | null): string {
  if (tls?.cert === undefined) return '';
  try {
    return `, which was issued by ${excerpt(new X509Certificate(tls.cert).issuer.replaceAll('\n', ', '), 120)}`;
  } catch {
    return '';
  }
}

function isTls(code: string): boolean {
  return /^ERR_(?:TLS|SSL|OSSL)/.test(code) || code === 'EPROTO' || VERIFICATION.test(code);
}
