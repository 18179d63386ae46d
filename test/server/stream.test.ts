import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { RealTime } from '../../src/kernel/index.js';
import { host, T0 } from './fake-monitor.js';
import { type Setup, type SetupOptions, setup } from './setup.js';
import { type Frame, framesOf } from './sse.js';

const URL = '/api/v1/events/stream';

/** Reads a stream without a network. */
class Stream {
  readonly made: Setup;
  status = 0;
  headers: Record<string, unknown> = {};
  text = '';
  ended = false;
  readonly #body: Promise<NodeJS.ReadableStream & { destroy(): void }>;

  constructor(made: Setup, query = '', headers: Record<string, string> = {}) {
    this.made = made;
    this.#body = made.server
      .inject({
        method: 'GET',
        url: `${URL}${query}`,
        headers: { host: '127.0.0.1:8680', ...headers },
        payloadAsStream: true,
      })
      .then((response) => {
        this.status = response.statusCode;
        this.headers = response.headers;
        const stream = response.stream();
        stream.on('data', (chunk: Buffer) => {
          this.text += chunk.toString('utf8');
        });
        stream.on('end', () => {
          this.ended = true;
        });
        return stream as unknown as NodeJS.ReadableStream & { destroy(): void };
      });
  }

  get frames(): Frame[] {
    return framesOf(this.text).frames;
  }

  get ids(): string[] {
    return this.frames.map(({ event, id }) => `${event} ${id}`);
  }

  /** Until nothing more happens at this moment. */
  async settle(): Promise<this> {
    await this.#body;
    for (let i = 0; i < 10; i++) await this.made.time.runFor(0);
    return this;
  }

  async close(): Promise<void> {
    (await this.#body).destroy();
    await this.settle();
  }
}

function withHistory(): Setup {
  const made = setup();
  const { log } = made.monitor;
  log.event('VDS_HOST_NOT_RESPONDING', { host: 'kvm-01', time: T0 - 7_200_000 });
  log.event('VDS_FAILURE', { host: 'kvm-01', time: T0 - 3_600_000 });
  const down = log.event('VM_DOWN', { host: 'kvm-02', vm: 'db-12', time: T0 - 60_000 });
  log.change(down, [{ path: 'status', from: 'Up', to: 'Down' }]);
  return made;
}

describe('GET /api/v1/events/stream', () => {
  it('gives history, then what comes, as server-sent events', async () => {
    const made = withHistory();
    const stream = await new Stream(made, '?after=e3.1').settle();
    expect([stream.status, stream.headers['content-type'], stream.headers['x-vurti-status']]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      'ready',
    ]);
    expect(stream.ids).toEqual(['hello e3.1', 'event e3.2', 'event e3.3']);
    expect(stream.frames[0]?.data).toMatchObject({ apiVersion: 'vurti/v1', kind: 'EventStream', exact: true });
    expect(stream.frames[1]?.data).toMatchObject({ cursor: 'e3.2', name: 'VDS_FAILURE', severity: 'ERROR' });
    made.monitor.log.event('VM_DOWN', { vm: 'web-01' });
    made.monitor.log.event('VM_DOWN', { vm: 'web-01' });
    expect((await stream.settle()).ids.slice(3)).toEqual(['event e3.5', 'event e3.6']);
    await stream.close();
  });

  it('begins at the head when no place is given; a browser tells its place by header, which counts more', async () => {
    const made = withHistory();
    const now = await new Stream(made).settle();
    expect(now.ids).toEqual(['hello e3.4']);
    const back = await new Stream(made, '?after=oldest', { 'last-event-id': 'e3.2' }).settle();
    expect(back.ids).toEqual(['hello e3.2', 'event e3.3']);
    await now.close();
    await back.close();
  });

  const since = new Date(T0 - 3_600_000).toISOString();
  const table: [string, string[]][] = [
    ['after=oldest', ['event e3.1', 'event e3.2', 'event e3.3']],
    ['after=oldest&severity=error', ['event e3.2']],
    ['after=oldest&type=VM_DOWN', ['event e3.3']],
    ['after=oldest&host=kvm-01', ['event e3.1', 'event e3.2']],
    ['after=oldest&vm=db-12', ['event e3.3']],
    ['after=oldest&cluster=lab', []],
    ['after=oldest&kind=change', ['change e3.4']],
    ['after=oldest&kind=change,event&host=kvm-02', ['event e3.3', 'change e3.4']],
    ['after=oldest&kind=change&type=vm.changed', ['change e3.4']],
    [`since=${since}`, ['event e3.2', 'event e3.3']],
    [`after=oldest&until=${since}`, ['event e3.1', 'event e3.2']],
  ];
  it.each(table)('?%s&follow=false', async (query, expected) => {
    const stream = await new Stream(withHistory(), `?${query}&follow=false`).settle();
    const [hello, ...rest] = stream.ids;
    expect(hello).toMatch(/^hello /);
    expect(rest).toEqual([...expected, 'end e3.4']);
    expect(stream.ended).toBe(true);
    expect(stream.made.time.waiting().size).toBe(0);
  });

  it('tells what changed with an event; the change stands before it in the log', async () => {
    const made = setup();
    const { log } = made.monitor;
    const like = log.event('VDS_FAILURE', { host: 'kvm-01' });
    log.change(like, [{ path: 'status', from: 'Connecting', to: 'NonResponsive' }]);
    log.append({ ...like, cursor: 'e3.3', seq: 3 });
    log.append({ ...like, cursor: 'e3.4', seq: 4, time: T0 + 1 });
    const [read, again] = [
      await new Stream(made, '?after=e3.1&changes&follow=false').settle(),
      new Stream(made, '?after=e3.2&changes'),
    ];
    const changes = read.frames.filter(({ event }) => event === 'event').map(({ data }) => data['changes']);
    expect(changes).toEqual([[{ path: 'status', from: 'Connecting', to: 'NonResponsive' }], []]);
    await (await again.settle()).close();
  });

  it.each([
    ['?after=yesterday', 400, 'CURSOR_INVALID'],
    ['?severity=loud', 400, 'BAD_REQUEST'],
    ['?reverse=true', 400, 'BAD_REQUEST'],
    ['?host=nobody', 404, 'NOT_FOUND'],
    ['?cluster=nowhere', 404, 'NOT_FOUND'],
  ])('%s is refused', async (query, status, code) => {
    const answer = await withHistory().get(`${URL}${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  });

  it('tells of a gap, and goes on after it', async () => {
    const made = withHistory();
    made.monitor.log.removedUpTo = 2;
    const old = await new Stream(made, '?after=e3.0&follow=false').settle();
    expect(old.ids).toEqual(['hello e3.2', 'gap e3.2', 'event e3.3', 'end e3.4']);
    expect(old.frames[0]?.data).toMatchObject({ exact: false });
    expect(old.frames[1]?.data).toEqual({
      ...{ reason: 'removed', after: 'e3.0', resumedAfter: 'e3.2', missing: 2, repeats: false },
    });
    const future = await new Stream(made, '?after=e3.99&follow=false').settle();
    expect(future.frames[1]?.data).toMatchObject({ reason: 'future', missing: null });
  });

  it('shows that it lives, and to a reader that sees nothing how far it has come', async () => {
    const made = withHistory();
    const [all, few] = [new Stream(made), new Stream(made, '?severity=error')];
    await all.settle();
    await few.settle();
    made.monitor.log.event('VM_DOWN', { vm: 'web-01' });
    await made.time.runFor(14_000);
    expect(few.ids).toEqual(['hello e3.4']);
    await made.time.runFor(2000);
    await all.settle();
    await few.settle();
    expect([all.ids, few.ids]).toEqual([
      ['hello e3.4', 'event e3.5'],
      ['hello e3.4', 'checkpoint e3.5'],
    ]);
    expect(all.text.endsWith('\n\n:\n\n')).toBe(true);
    await all.close();
    await few.close();
  });

  it('ends all streams when the service stops', async () => {
    const made = withHistory();
    const stream = await new Stream(made, '?after=e3.2').settle();
    await made.server.close();
    await stream.settle();
    expect(stream.ids.at(-1)).toBe('end e3.4');
    expect([stream.frames.at(-1)?.data, stream.ended]).toEqual([{ reason: 'stopping', code: null }, true]);
    expect(made.time.waiting().size).toBe(0);
  });

  it('one reader that fails leaves the others alone', async () => {
    const made = withHistory();
    const [broken, whole] = [new Stream(made), new Stream(made)];
    await broken.settle();
    await whole.settle();
    await broken.close();
    made.monitor.hostList = [host('kvm-09')];
    made.monitor.log.event('VM_DOWN', { vm: 'x' });
    expect((await whole.settle()).ids).toEqual(['hello e3.4', 'event e3.5']);
    await whole.close();
  });
});

describe('the stream over a socket', () => {
  interface Live extends Omit<Setup, 'time'> {
    readonly url: string;
    readonly port: number;
  }

  async function live(options: SetupOptions = {}): Promise<Live> {
    const time = new RealTime();
    const made = setup({ ...options, clock: time, scheduler: time, listen: { host: '127.0.0.1', port: 0 } });
    const url = await made.server.listen();
    onTestFinished(() => made.server.close());
    return { ...made, url, port: Number(new globalThis.URL(url).port) };
  }

  const big = 'x'.repeat(2000);

  it('a reader that takes nothing costs bounded memory, holds up nobody, and gets all of it later', async () => {
    const written = vi.spyOn(http.OutgoingMessage.prototype, 'write');
    const made = await live();
    const { log } = made.monitor;
    // Takes the head of the answer, and then nothing.
    const socket = net.connect(made.port, '127.0.0.1');
    socket.write(`GET ${URL}?after=oldest HTTP/1.1\r\nhost: 127.0.0.1:${made.port}\r\n\r\n`);
    await once(socket, 'readable');
    const seen: string[] = [];
    let rest = '';
    const request = http.get(`${made.url}${URL}?after=oldest`, (response) => {
      response.on('data', (chunk: Buffer) => {
        const parsed = framesOf(rest + chunk.toString('utf8'));
        rest = parsed.rest;
        seen.push(...parsed.frames.filter(({ event }) => event === 'event').map(({ id }) => id));
      });
      response.on('error', () => undefined);
    });
    const TOTAL = 12_000;
    for (let n = 0; n < TOTAL; n++) {
      log.event('VM_DOWN', { vm: `v${n}`, params: { big } });
      if (n % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => seen.length, { timeout: 30_000 }).toBe(TOTAL);
    request.destroy();
    // 12,000 frames are 29 MB. What waits for the stalled reader is one batch at most.
    const waiting = [...new Set(written.mock.contexts as http.ServerResponse[])].map((one) => one.writableLength);
    expect(waiting).toHaveLength(2);
    expect(Math.max(...waiting)).toBeGreaterThan(0);
    expect(Math.max(...waiting)).toBeLessThan(2 * 2 ** 20);
    const got: string[] = [];
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      const parsed = framesOf(text + chunk.toString('utf8'));
      text = parsed.rest;
      got.push(...parsed.frames.filter(({ event }) => event === 'event').map(({ id }) => id));
    });
    await expect.poll(() => got.length, { timeout: 30_000 }).toBe(TOTAL);
    expect(got).toEqual(seen);
    socket.destroy();
  });

  it('lets no more readers in than its limit, and others again when one has left', async () => {
    const made = await live({ maxEventStreams: 2 });
    const enter = async (): Promise<{ leave: () => void; status: number | undefined }> => {
      const request = http.get(`${made.url}${URL}`);
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      response.on('error', () => undefined).resume();
      return { leave: () => request.destroy(), status: response.statusCode };
    };
    const [first, second] = [await enter(), await enter()];
    const answer = await made.get(URL, { host: `127.0.0.1:${made.port}` });
    expect([answer.statusCode, answer.json().code, answer.json().retryable]).toEqual([503, 'TOO_MANY_READERS', true]);
    first.leave();
    await expect.poll(async () => (await enter()).status, { timeout: 5000 }).toBe(200);
    second.leave();
  });

  it('a record is encoded once, however many read it', async () => {
    const made = await live();
    const counts = Array.from({ length: 50 }, () => 0);
    const requests = counts.map((_, i) =>
      http.get(`${made.url}${URL}`, (response) => {
        response.on('data', (chunk: Buffer) => {
          counts[i] = (counts[i] ?? 0) + (chunk.toString('utf8').match(/^event: event$/gm)?.length ?? 0);
        });
        response.on('error', () => undefined);
      }),
    );
    await Promise.all(requests.map((request) => once(request, 'response')));
    let toJson = 0;
    const counted = (): Record<string, unknown> => ({
      toJSON: () => {
        toJson += 1;
        return {};
      },
    });
    for (let n = 0; n < 20; n++) {
      made.monitor.log.event('VM_DOWN', { vm: 'v', params: counted() as Record<string, string> });
    }
    await expect.poll(() => counts, { timeout: 10_000 }).toEqual(counts.map(() => 20));
    expect(toJson).toBe(20);
    for (const request of requests) request.destroy();
  });
});
