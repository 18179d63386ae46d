import { describe, expect, it } from 'vitest';
import { ParsedVmStatsReport } from '../../src/fetcher/decode/vm-stats-report.js';
import { differenceOf } from '../../src/fetcher/differential/difference.js';
import { seconds } from '../../src/kernel/index.js';
import { simulated } from './differential/answers.js';
import { ask, newFetcher, patient } from './support/calls.js';
import { closed, json, startGateway, startRaw } from './support/gateway.js';

const body = JSON.stringify({ jsonrpc: '2.0', id: '00000000-0000-4000-8000-000000000001', result: { vmCount: '7' } });
const head = (more = '') =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${more}content-length: ${body.length}\r\n\r\n`;

/** An agent that writes these pieces, each by itself. */
const inPieces = (...pieces: readonly (string | Buffer)[]) =>
  startRaw((socket) => {
    socket.setNoDelay(true);
    socket.once('data', () => {
      const [first, ...rest] = pieces;
      let left = rest;
      const next = (): void => {
        const [piece, ...more] = left;
        left = more;
        if (piece !== undefined) socket.write(piece, () => setImmediate(() => setImmediate(next)));
      };
      socket.write(first ?? '', next);
    });
  });

describe('an answer over a socket of our own', () => {
  it.each<[string, readonly string[]]>([
    ['in one piece', [head() + body]],
    ['head and body apart', [head(), body]],
    ['cut in the head', [head().slice(0, 5), head().slice(5, 40), head().slice(40) + body]],
    ['cut within the empty line', [head().slice(0, -3), head().slice(-3, -1), head().slice(-1), body]],
    ['cut in the body', [head() + body.slice(0, 10), body.slice(10, 11), body.slice(11)]],
    ['byte by byte', [...(head() + body)]],
    ['after "100 Continue"', ['HTTP/1.1 100 Continue\r\n\r\n', head(), body]],
    ['from an agent of HTTP 1.0', [head().replace('1.1', '1.0') + body]],
    ['with names in capitals', [head().replaceAll('content', 'CONTENT') + body]],
  ])('%s', async (_, pieces) => {
    const { host } = await inPieces(...pieces);
    expect((await ask(host)).dynamic.vmCount).toBe(7);
  });

  it('of some megabytes is whole', async () => {
    const long = 'x'.repeat(3_000_000);
    const { host } = await startGateway(({ id }, response) => json(response, { id, result: { thpState: 'a', long } }));
    const result = await newFetcher().call(host, 'Host.getStats', {}, patient());
    expect((result as { long: string }).long).toBe(long);
  });

  it('is not followed by another one: such a connection is left', async () => {
    const { host, sockets } = await inPieces(`${head()}${body}HTTP/1.1 200 OK\r\n`);
    expect((await ask(host)).dynamic.vmCount).toBe(7);
    await closed(sockets[0]);
  });

  it('a connection that the agent does not keep is not asked again', async () => {
    const { host, sockets } = await startGateway(({ id }, response) =>
      json(response, { id, result: {} }, { connection: 'close' }),
    );
    const fetcher = newFetcher();
    for (let n = 0; n < 3; n++) await fetcher.getStats(host, patient());
    expect(sockets).toHaveLength(3);
  });

  it('a connection that the agent closed while it was idle is made again', async () => {
    const { host, sockets } = await startGateway(({ id }, response) => json(response, { id, result: {} }));
    const fetcher = newFetcher();
    await fetcher.getStats(host, patient());
    const [first] = sockets;
    const gone = new Promise((resolve) => first?.once('close', resolve));
    first?.end();
    await gone;
    await new Promise((resolve) => setImmediate(resolve));
    await fetcher.getStats(host, patient());
    expect(sockets).toHaveLength(2);
  });

  it('is read into bytes that are used again, and stays what it was', async () => {
    const bodies = await simulated(60, 12, seconds(5));
    let at = -1;
    const { host } = await startGateway(({ id }, response) => {
      at += 1;
      json(response, (bodies[at % bodies.length] ?? '').replace(/"id":"[^"]*"/, `"id":"${String(id)}"`));
    });
    const fetcher = newFetcher();
    for (const body of [...bodies, ...bodies]) {
      const report = await fetcher.getAllVmStats(host, patient());
      const { result } = JSON.parse(body) as { result: unknown[] };
      expect(differenceOf(report, new ParsedVmStatsReport(host, result))).toBeNull();
    }
  });
});
