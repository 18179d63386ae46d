import { createHmac } from 'node:crypto';
import { type Clock, messageOf, type Scheduler, seconds, VurtiError, withDeadline } from '../kernel/index.js';

export interface WebhookTarget {
  readonly name: string;
  readonly url: string;
  /** Signs what is sent; null: it is not signed. */
  readonly secret: string | null;
}

/** What came of one request. `retryAfterMs`: the receiver asks for it. */
export type Outcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: string; readonly retryAfterMs: number | null };

export interface WebhookParts {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly fetch: typeof fetch;
  /** Of vurti. */
  readonly version: string;
}

const DEADLINE_MS = seconds(10);
const LONGEST_RETRY_AFTER_S = 3600;

/** HMAC-SHA256 over "<timestamp>.<body>", in hex: docs/webhooks.md says how to verify it. */
function signatureOf(secret: string, timestamp: string, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

/**
 * Sends one event. Redirects are not followed: the operator chose this address, not where it points to. Of the answer
 * only the status counts; its text is not read. Never throws, but for `stop`.
 */
export async function post(
  target: WebhookTarget,
  body: string,
  idempotencyKey: string,
  parts: WebhookParts,
  stop: AbortSignal,
): Promise<Outcome> {
  const timestamp = String(Math.floor(parts.clock.now() / 1000));
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': `vurti/${parts.version}`,
    'idempotency-key': idempotencyKey,
    'vurti-sink': target.name,
    'vurti-timestamp': timestamp,
    ...(target.secret === null ? {} : { 'vurti-signature': signatureOf(target.secret, timestamp, body) }),
  };
  const message = `no answer within ${DEADLINE_MS / 1000} s`;
  const deadline = { ms: DEADLINE_MS, code: 'SINK_FAILED', message, label: 'sink', parent: stop } as const;
  try {
    const response = await withDeadline(parts.scheduler, deadline, (signal) =>
      parts.fetch(target.url, { method: 'POST', headers, body, signal, redirect: 'manual' }),
    );
    await response.body?.cancel().catch(() => undefined);
    if (response.status >= 200 && response.status < 300) return { ok: true };
    const moved = response.status >= 300 && response.status < 400 ? ' (redirects are not followed)' : '';
    return { ok: false, error: `HTTP ${response.status}${moved}`, retryAfterMs: retryAfter(response.headers) };
  } catch (error) {
    if (stop.aborted) throw stop.reason;
    return { ok: false, error: textOf(error), retryAfterMs: null };
  }
}

/** Without the address: it may hold a secret, and fetch's own words may quote it. */
function textOf(error: unknown): string {
  if (error instanceof VurtiError) return error.message;
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return typeof cause?.code === 'string'
    ? cause.code
    : messageOf(cause ?? error).replaceAll(/\b[a-z]+:\/\/\S+/gi, '(address)');
}

function retryAfter(headers: Headers): number | null {
  const given = headers.get('retry-after') ?? '';
  return /^\d{1,9}$/.test(given) ? Math.min(Number(given), LONGEST_RETRY_AFTER_S) * 1000 : null;
}
