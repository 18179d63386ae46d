import { once } from 'node:events';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { get, type RequestOptions } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type PeerCertificate, type SecureVersion, type TLSSocket } from 'node:tls';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { isLoopback } from '../../src/kernel/index.js';
import { LabCa } from '../../src/simulator/index.js';
import { type Setup, type SetupOptions, setup, token } from './setup.js';

const ca = new LabCa(Date.now());
const name = 'vurti.example.com';
let now = Date.now();

function files(): { readonly certFile: string; readonly keyFile: string } {
  const dir = mkdtempSync(join(tmpdir(), 'vurti-tls-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return { certFile: join(dir, 'server.pem'), keyFile: join(dir, 'server.key') };
}

function write({ certFile, keyFile }: ReturnType<typeof files>, from = ca): void {
  const { cert, key } = from.agent({ name, address: '127.0.0.1' });
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  // Renewed within the same tick of the file system's clock it would look the same.
  now += 10_000;
  utimesSync(certFile, now / 1000, now / 1000);
}

const running: Setup[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map(({ server }) => server.close()));
});

async function serve(options: SetupOptions = {}) {
  const tls = files();
  write(tls);
  // Every address of the machine, as 0.0.0.0 is: here nobody comes from elsewhere.
  const service = setup({ listen: { host: '0.0.0.0', port: 0 }, tls, ...options });
  running.push(service);
  const url = await service.server.listen();
  return { ...service, tls, url, port: Number(new URL(url).port) };
}

function ask(port: number, path: string, options: RequestOptions = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, ca: ca.cert, agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject);
  });
}

it('answers under the names of its certificate, to those with a token', async () => {
  const { port, url } = await serve();
  expect(url).toMatch(/^https:\/\/0\.0\.0\.0:\d+$/);
  const headers = { authorization: `Bearer ${token}` };
  expect(await ask(port, '/livez')).toMatchObject({ status: 200 });
  expect(await ask(port, '/api/v1/status')).toMatchObject({ status: 403 });
  expect(await ask(port, '/metrics')).toMatchObject({ status: 403 });
  expect(await ask(port, '/api/v1/status', { headers })).toMatchObject({ status: 200 });
  // Behind a forwarder with a port of its own.
  expect(await ask(port, '/api/v1/status', { headers: { ...headers, host: `${name}:443` } })).toMatchObject({
    status: 200,
  });
  for (const host of ['evil.example.com', `x.${name}`, '10.0.0.1', `127.0.0.2:${port}`])
    expect(await ask(port, '/livez', { headers: { host }, checkServerIdentity: () => undefined }), host).toMatchObject({
      status: 421,
    });
});

it('has a plain address for commands on this machine, where reads are open', async () => {
  const { server, port } = await serve();
  const { localUrl } = server;
  expect(isLoopback(new URL(localUrl).hostname)).toBe(true);
  expect((await fetch(`${localUrl}/api/v1/status`)).status).toBe(200);
  expect((await fetch(`${localUrl}/api/v1/hosts/kvm-01/poke`, { method: 'POST' })).status).toBe(403);
  const authorization = `Bearer ${token}`;
  const poke = await fetch(`${localUrl}/api/v1/hosts/kvm-01/poke`, { method: 'POST', headers: { authorization } });
  expect(poke.status).toBe(200);
  // And TLS speaks nothing but TLS.
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
});

it.each<[SecureVersion, boolean]>([
  ['TLSv1.1', false],
  ['TLSv1.2', true],
  ['TLSv1.3', true],
])('%s: %s', async (version, spoken) => {
  const { port } = await serve();
  const how = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const answer = ask(port, '/livez', how).then(
    ({ status }) => status === 200,
    () => false,
  );
  expect(await answer).toBe(spoken);
});

it('takes a renewed certificate up, and keeps the former one while the new one is not whole', async () => {
  const { port, tls, time } = await serve();
  const seen = async (): Promise<PeerCertificate> => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: name });
    await once(socket, 'secureConnect');
    const certificate = socket.getPeerCertificate();
    socket.destroy();
    return certificate;
  };
  const first = (await seen()).serialNumber;
  const renewed = new LabCa(Date.now());
  writeFileSync(tls.keyFile, 'half a k');
  await time.runFor(30_000);
  expect((await seen()).serialNumber).toBe(first);
  write(tls, renewed);
  await time.runFor(30_000);
  expect((await seen()).serialNumber).not.toBe(first);
  expect(await ask(port, '/livez', { ca: renewed.cert })).toMatchObject({ status: 200 });
});

it('refuses files that do not go together, before it listens', async () => {
  const tls = files();
  write(tls);
  writeFileSync(tls.keyFile, new LabCa(Date.now()).client('x').key);
  expect(() => setup({ tls })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  rmSync(tls.keyFile);
  expect(() => setup({ tls })).toThrow(expect.objectContaining({ code: 'CONFIG_UNREADABLE' }));
});

it('lets nobody hold a connection without saying anything, on either side', async () => {
  const { port, server } = await serve({ requestTimeoutMs: 50 });
  for (const at of [port, Number(new URL(server.localUrl).port)]) {
    const socket = connectPlain(at, '127.0.0.1');
    socket.resume().on('error', () => undefined);
    await once(socket, 'close');
    expect(socket.destroyed).toBe(true);
  }
});

it.each([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['localhost', true],
  ['LOCALHOST', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['', false],
  ['10.0.0.1', false],
  ['127.0.0.1.example.com', false],
  ['::ffff:10.0.0.1', false],
])('%s is loopback: %s', (host, is) => {
  expect(isLoopback(host)).toBe(is);
});
