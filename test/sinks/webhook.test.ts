import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { RealTime } from '../../src/kernel/index.js';
import { post } from '../../src/sinks/index.js';

async function listen(
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void,
): Promise<string> {
  const server: Server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => answer(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const time = new RealTime();
const parts = { clock: time, scheduler: time, fetch: globalThis.fetch, version: '0.1.0' };
const secret = 'a secret of the hook';
const send = (url: string, more: Partial<typeof parts> = {}, stop = new AbortController().signal) =>
  post({ name: 'chat', url, secret }, '{"a":"ü"}', 'event-1', { ...parts, ...more }, stop);

describe('a webhook', () => {
  it('is signed over time and body, and bears a key', async () => {
    const seen: { headers: IncomingMessage['headers']; body: string; method: string | undefined }[] = [];
    const url = await listen((request, body, response) => {
      seen.push({ headers: request.headers, body, method: request.method });
      response.writeHead(204).end();
    });
    expect(await send(`${url}/hook?x=1`)).toEqual({ ok: true });
    const [{ headers, body, method } = { headers: {} as IncomingMessage['headers'], body: '', method: '' }] = seen;
    expect([method, body]).toEqual(['POST', '{"a":"ü"}']);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'idempotency-key': 'event-1',
      'vurti-sink': 'chat',
      'user-agent': 'vurti/0.1.0',
      'vurti-timestamp': expect.stringMatching(/^\d{10}$/) as string,
    });
    // As docs/webhooks.md tells receivers to do it.
    const expected = createHmac('sha256', secret).update(`${headers['vurti-timestamp']}.${body}`).digest('hex');
    expect(headers['vurti-signature']).toBe(`v1=${expected}`);
  });

  it('is not signed without a secret', async () => {
    let signature: unknown = 'none seen';
    const url = await listen((request, _, response) => {
      signature = request.headers['vurti-signature'];
      response.end();
    });
    await post({ name: 'chat', url, secret: null }, '{}', 'k', parts, new AbortController().signal);
    expect(signature).toBeUndefined();
  });

  it('follows no redirect, wherever it points to', async () => {
    let visits = 0;
    const inner = await listen((_, __, response) => {
      visits += 1;
      response.end();
    });
    const url = await listen((_, __, response) => void response.writeHead(307, { location: inner }).end());
    expect(await send(url)).toEqual({ ok: false, error: 'HTTP 307 (redirects are not followed)', retryAfterMs: null });
    expect(visits).toBe(0);
  });

  it.each([
    [500, {}, null],
    [429, { 'retry-after': '7' }, 7000],
    [503, { 'retry-after': '999999' }, 3_600_000],
    [503, { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }, null],
  ])('that is answered with %s %j failed', async (status, headers, retryAfterMs) => {
    const url = await listen((_, __, response) => void response.writeHead(status, headers).end('x'.repeat(100_000)));
    expect(await send(url)).toEqual({ ok: false, error: `HTTP ${status}`, retryAfterMs });
  });

  it('never tells its address', async () => {
    const url = await listen((request) => void request.socket.destroy());
    const closed = await new Promise<string>((resolve) => {
      const server = createServer().listen(0, '127.0.0.1', () => {
        const { port } = server.address() as AddressInfo;
        server.close(() => resolve(`http://127.0.0.1:${port}`));
      });
    });
    const outcomes = [
      await send(`${url}/T000/hidden`),
      await send(`${closed}/hidden`),
      await send('http://hidden.invalid/hidden'),
      await send('http://127.0.0.1:1/hidden', {
        fetch: () => Promise.reject(new TypeError('Failed to parse URL from http://x/hidden')),
      }),
    ];
    for (const outcome of outcomes) {
      expect(outcome.ok).toBe(false);
      expect(JSON.stringify(outcome)).not.toContain('hidden');
    }
    expect(outcomes[1]).toMatchObject({ error: 'ECONNREFUSED' });
  });

  it('is given up at the stop', async () => {
    const stop = new AbortController();
    const url = await listen(() => stop.abort(new Error('stopped')));
    await expect(send(url, {}, stop.signal)).rejects.toThrow('stopped');
  });
});
