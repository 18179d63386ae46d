import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { silentTelemetry, VirtualTime } from '../../../src/kernel/index.js';
import { Front, type FrontOptions } from '../../../src/server/front/index.js';
import { LabCa } from '../../../src/simulator/index.js';
import { setup, token } from '../setup.js';

const time = new VirtualTime();

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function open(options: Partial<FrontOptions> = {}) {
  let phase = 'its parts are loaded';
  const front = new Front({
    listen: { host: '127.0.0.1', port: 0 },
    maxConnections: 100,
    phase: () => phase,
    clock: time,
    scheduler: time,
    telemetry: silentTelemetry,
    ...options,
  });
  onTestFinished(() => front.close());
  const url = await front.listen();
  const port = Number(new URL(url).port);
  const ask = (path: string, further: RequestOptions = {}): Promise<Answer> =>
    answerOf(request({ host: '127.0.0.1', port, path, agent: false, ...further }));
  return {
    front,
    url,
    port,
    ask,
    says: (next: string) => {
      phase = next;
    },
  };
}

function answerOf(asked: ReturnType<typeof request>, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    asked.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    asked.end(body);
  });
}

it('is alive, and not ready, before anything else is there', async () => {
  const { ask, says } = await open();
  const alive = await ask('/livez?verbose=1');
  expect(alive).toMatchObject({ status: 200, body: '{"status":"alive"}' });
  for (const path of ['/readyz', '/api/v1/status', '/metrics', '/', '/nowhere']) {
    const answer = await ask(path);
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(JSON.parse(answer.body)).toMatchObject({
      code: 'NOT_READY',
      retryable: true,
      detail: 'The service is starting: its parts are loaded',
    });
  }
  says('the database is opened');
  const later = await ask('/readyz');
  expect(later.body).toContain('the database is opened');
  for (const { headers } of [alive, later]) {
    expect(headers).toMatchObject({
      'x-vurti-status': 'loading',
      'x-vurti-remaining': 'unknown',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
    });
  }
});

it('answers HEAD without a body, and reads none of what is sent', async () => {
  const { ask, port } = await open();
  expect(await ask('/livez', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  const sent = await answerOf(
    request({ host: '127.0.0.1', port, path: '/api/v1/hosts', method: 'POST', agent: new Agent({ keepAlive: true }) }),
    'x'.repeat(100_000),
  );
  expect(sent).toMatchObject({ status: 503, headers: { connection: 'close' } });
  expect(await ask('/livez', { method: 'DELETE' })).toMatchObject({ status: 503 });
});

it('knows its own name, and answers to no other', async () => {
  const { ask, port } = await open({ allowedHosts: ['vurti.example.com'] });
  const under = async (host: string): Promise<number> => (await ask('/livez', { headers: { host } })).status;
  expect(await under(`localhost:${port}`)).toBe(200);
  expect(await under('vurti.example.com')).toBe(200);
  expect(await under('evil.example.com')).toBe(421);
  expect((await ask('/readyz', { headers: { host: 'evil.example.com' } })).body).toContain('HOST_HEADER_REFUSED');
});

it('gives the requests of connections that came before to the API, too', async () => {
  const { front, port } = await open();
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const ask = (path: string) => answerOf(request({ host: '127.0.0.1', port, path, agent }));
  expect(await ask('/api/v1/status')).toMatchObject({ status: 503 });
  const { server } = setup({ front });
  onTestFinished(() => server.close());
  expect(await server.listen()).toBe(`http://127.0.0.1:${port}`);
  const after = request({ host: '127.0.0.1', port, path: '/api/v1/status', agent });
  expect(await answerOf(after)).toMatchObject({ status: 200, headers: { 'x-vurti-status': 'ready' } });
  expect(after.reusedSocket).toBe(true);
  expect(await ask('/livez')).toMatchObject({ status: 200, body: '{"status":"alive"}' });
});

it('refuses what is not HTTP while it is alone', async () => {
  const { port } = await open();
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  socket.write('hello\r\n\r\n');
  await once(socket, 'close');
  expect(answer).toMatch(/^HTTP\/1\.1 400 .*x-vurti-status: loading.*This is not HTTP/s);
});

it('listens wherever localhost leads, on one port', async () => {
  const { ask, port, url } = await open({ listen: { host: 'localhost', port: 0 } });
  expect(url).toBe(`http://localhost:${port}`);
  expect(await answerOf(request({ host: 'localhost', port, path: '/livez', agent: false }))).toMatchObject({
    status: 200,
  });
  expect(await ask('/livez', { headers: { host: `localhost:${port}` } })).toMatchObject({ status: 200 });
});

it('speaks TLS alone, too, and plain HTTP to this machine', async () => {
  const ca = new LabCa(Date.now());
  const dir = mkdtempSync(join(tmpdir(), 'vurti-front-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const tls = { certFile: join(dir, 'server.pem'), keyFile: join(dir, 'server.key') };
  const { cert, key } = ca.agent({ name: 'vurti.example.com', address: '127.0.0.1' });
  writeFileSync(tls.certFile, cert);
  writeFileSync(tls.keyFile, key);
  const { front, url, port } = await open({ tls, listen: { host: '0.0.0.0', port: 0 } });
  expect(url).toBe(`https://0.0.0.0:${port}`);
  const secure = { host: '127.0.0.1', port, ca: ca.cert, agent: false } as const;
  expect(await answerOf(requestTls({ ...secure, path: '/livez' }))).toMatchObject({ status: 200 });
  expect(await answerOf(requestTls({ ...secure, path: '/api/v1/vms' }))).toMatchObject({ status: 503 });
  expect(front.localUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await answerOf(request(`${front.localUrl}/livez`))).toMatchObject({ status: 200 });
  const { server } = setup({ front });
  onTestFinished(() => server.close());
  await server.listen();
  expect(await answerOf(requestTls({ ...secure, path: '/api/v1/status' }))).toMatchObject({ status: 403 });
  const headers = { authorization: `Bearer ${token}` };
  expect(await answerOf(requestTls({ ...secure, path: '/api/v1/status', headers }))).toMatchObject({ status: 200 });
  expect(await answerOf(request(`${front.localUrl}/api/v1/status`))).toMatchObject({ status: 200 });
});

it('says which address is taken, and listens once only', async () => {
  const first = await open();
  expect(await first.front.listen()).toBe(first.url);
  await expect(open({ listen: { host: '127.0.0.1', port: first.port } })).rejects.toMatchObject({
    code: 'LISTEN_FAILED',
    message: expect.stringContaining(String(first.port)) as string,
  });
});
