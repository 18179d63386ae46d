import { createServer, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ask, expectFailure, failureOf, limits, newFetcher, patient } from './support/calls.js';
import { host as nowhere } from './support/fixtures.js';
import { closed, json, listen, startGateway, startRaw } from './support/gateway.js';

describe('connections that break', () => {
  const raw = (bytes: string | Buffer) => (socket: Socket) => {
    socket.once('data', () => socket.end(bytes));
  };
  const head = (more: string) => `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${more}\r\n\r\n`;
  const half = gzipSync(JSON.stringify({ result: { a: 'b'.repeat(5000) } })).subarray(0, 40);

  it.each<[string, (socket: Socket) => void, string, RegExp]>([
    [
      'at once',
      (socket) => socket.destroy(),
      'AGENT_UNREACHABLE',
      /closed the connection without a whole answer \(ECONNRESET\)/,
    ],
    ['after the question', raw(''), 'AGENT_UNREACHABLE', /closed the connection without a whole answer/],
    ['by a reset', (socket) => socket.once('data', () => socket.resetAndDestroy()), 'AGENT_UNREACHABLE', /ECONNRESET/],
    ['in the headers', raw('HTTP/1.1 200 OK\r\ncontent-'), 'AGENT_UNREACHABLE', /closed the connection/],
    ['in the body', raw(`${head('content-length: 1000')}{"id":`), 'AGENT_UNREACHABLE', /closed the connection/],
    [
      'in a chunk',
      raw(`${head('transfer-encoding: chunked')}ff\r\n{"id":`),
      'AGENT_UNREACHABLE',
      /closed the connection/,
    ],
    [
      'in a compressed body',
      raw(Buffer.concat([Buffer.from(head('content-encoding: gzip\r\ncontent-length: 1000')), half])),
      'AGENT_UNREACHABLE',
      /closed the connection/,
    ],
    ['by something that is not HTTP', raw('SSH-2.0-OpenSSH_9.6\r\n'), 'AGENT_BAD_ANSWER', /it is not HTTP \(HPE_/],
    [
      'by two lengths',
      raw(`${head('content-length: 5\r\ncontent-length: 6')}{}`),
      'AGENT_BAD_ANSWER',
      /it is not HTTP/,
    ],
  ])('%s', async (_, onSocket, code, text) => {
    const { host } = await startRaw(onSocket);
    await expectFailure(ask(host), code, text);
  });

  it('nobody listens', async () => {
    const { host } = await listen(createServer());
    await expectFailure(
      ask({ ...host, port: await freePort() }),
      'AGENT_UNREACHABLE',
      /refuses the connection \(ECONNREFUSED\)/,
    );
  });

  it('the cause is Node’s own error', async () => {
    const { host } = await listen(createServer());
    const error = await failureOf(ask({ ...host, port: await freePort() }));
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' });
  });

  it('the name does not resolve', async () => {
    const error = await failureOf(ask({ ...nowhere, address: 'no-such-host.invalid' }));
    expect(error).toMatchObject({
      code: 'AGENT_UNKNOWN_HOST',
      message: expect.stringContaining('kvm-07 (no-such-host.invalid:54321)'),
    });
  });

  it.each(['', 'a b', 'user@evil.test', 'kvm-07/../x', 'kvm-07:80', 'kvm-07?x', 'kvm-07\r\nHost: x', '[::1]'])(
    'the address %j is none, and nobody is asked',
    async (address) => {
      expect((await failureOf(ask({ ...nowhere, address }))).code).toBe('AGENT_UNKNOWN_HOST');
    },
  );

  it('an IPv6 address is asked as one', async () => {
    const error = await failureOf(ask({ ...nowhere, address: '::1', port: await freePort() }));
    expect(error).toMatchObject({
      code: 'AGENT_UNREACHABLE',
      message: expect.stringMatching(/^kvm-07 \(\[::1\]:\d+\)/),
    });
  });

  async function freePort(): Promise<number> {
    const server = createServer();
    const { host } = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    return host.port;
  }
});

describe('agents that take their time', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['before the headers', () => undefined],
    ['after the headers', (response) => response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()],
    ['in the body', (response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{"id":')],
    [
      'in a compressed body',
      (response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
          .write(gzipSync('{"id":').subarray(0, 12)),
    ],
    ['in the body of an error', (response) => void response.writeHead(500).write('Tra')],
  ])('one that stops %s is left when the call is given up', async (_, stall) => {
    const controller = new AbortController();
    const { host, asked, sockets } = await startGateway((__, response) => stall(response));
    const call = failureOf(newFetcher().getStats(host, { signal: controller.signal }));
    await asked.until(1);
    // Lets what was written arrive; whether it has makes no difference to what must happen.
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect((await call).code).toBe('AGENT_ABORTED');
    await closed(sockets[0]);
  });

  it('one that drips byte by byte too, and others are asked meanwhile', async () => {
    const controller = new AbortController();
    const slow = await startRaw((socket) => {
      socket.once('data', () => {
        const drip = (): void => void (socket.destroyed || socket.write(' ', () => setImmediate(drip)));
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000000\r\n\r\n', drip);
      });
    }, 'kvm-slow');
    const { host } = await startGateway(({ id }, response) => json(response, { id, result: {} }));
    const fetcher = newFetcher(limits(2048));
    const call = failureOf(fetcher.getStats(slow.host, { signal: controller.signal }));
    await slow.sockets.until(1);
    for (let i = 0; i < 5; i++) await fetcher.getStats(host, patient());
    controller.abort();
    expect((await call).code).toBe('AGENT_ABORTED');
    await closed(slow.sockets[0]);
  });
});

it('no error holds the settings of the request: they hold the private key', async () => {
  const { host } = await startRaw((socket) => socket.destroy());
  const error = await failureOf(ask(host));
  expect(error.cause).toBeInstanceOf(Error);
  expect(Object.keys(error.cause as object)).not.toContain('config');
  expect(error.cause).not.toHaveProperty('request');
});
