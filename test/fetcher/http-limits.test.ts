import { createGzip } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ask, expectFailure } from './support/calls.js';
import { closed, json, startGateway, startRaw } from './support/gateway.js';

const MIB = 1_048_576;

describe('answers that are too large', () => {
  /** Bytes of memory in use by this thread, without what is only waiting to be collected. */
  const inUse = (): number => process.memoryUsage().heapUsed + process.memoryUsage().external;

  /** Writes for ever, in the pace of the reader; counts what went out and what memory was at its worst. */
  function flood(response: NodeJS.WritableStream, chunk: Buffer): { bytes: number; peak: number } {
    const seen = { bytes: 0, peak: 0 };
    const more = (): void => {
      while (seen.bytes < 100 * MIB) {
        seen.bytes += chunk.length;
        seen.peak = Math.max(seen.peak, inUse());
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on('drain', more);
    more();
    return seen;
  }

  it('100 MB are cut off at the limit, and the connection is closed', async () => {
    const chunk = Buffer.alloc(65_536, '[');
    let seen = { bytes: 0, peak: 0 };
    const { host, sockets } = await startGateway((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      seen = flood(response, chunk);
    });
    const before = inUse();
    await expectFailure(ask(host, 4), 'AGENT_ANSWER_TOO_LARGE', /Host\.getStats with more than 4 MiB/);
    await closed(sockets[0]);
    expect(seen.bytes).toBeLessThan(24 * MIB);
    expect(seen.peak - before).toBeLessThan(48 * MIB);
  });

  it('a body that says it is too large is not even begun', async () => {
    const { host, sockets } = await startGateway((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(100 * MIB) });
      response.write('{');
    });
    await expectFailure(ask(host, 4), 'AGENT_ANSWER_TOO_LARGE', 'more than 4 MiB');
    await closed(sockets[0]);
  });

  it('a small body that swells to gigabytes is cut off where it passes the limit', async () => {
    const bomb = await gzipOf(256 * MIB);
    expect(bomb.length).toBeLessThan(MIB);
    const { host, sockets } = await startGateway((_, response) => json(response, bomb, { 'content-encoding': 'gzip' }));
    const before = inUse();
    const failure = expectFailure(ask(host, 4), 'AGENT_ANSWER_TOO_LARGE', 'more than 4 MiB');
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, inUse());
    }, 1);
    await failure;
    clearInterval(watch);
    await closed(sockets[0]);
    expect(Math.max(peak, inUse()) - before).toBeLessThan(48 * MIB);
  });

  it('headers without end', async () => {
    const { host } = await startRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nx-large: ${'x'.repeat(200_000)}`);
    });
    await expectFailure(ask(host), 'AGENT_BAD_ANSWER', /it is not HTTP \(HPE_HEADER_OVERFLOW\)/);
  });

  it('a large answer within the limit is read', async () => {
    const { host } = await startGateway(({ id }, response) =>
      json(response, { id, result: { thpState: 'x'.repeat(3 * MIB) } }),
    );
    expect((await ask(host, 4)).dynamic.transparentHugepagesState).toHaveLength(64);
  });

  async function gzipOf(bytes: number): Promise<Buffer> {
    const gzip = createGzip();
    const parts: Buffer[] = [];
    gzip.on('data', (part: Buffer) => parts.push(part));
    const zeros = Buffer.alloc(MIB, ' ');
    for (let done = 0; done < bytes; done += MIB) {
      if (!gzip.write(zeros)) await new Promise((resolve) => gzip.once('drain', resolve));
    }
    await new Promise<void>((resolve) => {
      gzip.on('end', resolve);
      gzip.end();
    });
    return Buffer.concat(parts);
  }
});
