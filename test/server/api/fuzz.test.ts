import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { OwnMetrics, openApiDocument } from '../../../src/server/index.js';
import { createTestMonitor, FakeFetcher } from '../../../src/testing/index.js';
import { setup, token } from '../setup.js';
import { shapeFaults } from './shapes.js';

interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly query: readonly { readonly name: string; readonly values: readonly unknown[] }[];
  readonly keys: readonly string[];
}

/** What the document says of the routes leads to requests that get further than chance. */
function routes(): Route[] {
  const { paths } = openApiDocument() as { paths: Record<string, Record<string, Described>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      query: parameters
        .filter((one) => one.in === 'query')
        .map(({ name, schema }) => ({ name, values: schema.items?.enum ?? schema.enum ?? [] })),
      keys: Object.keys(requestBody?.content['application/json'].schema.properties ?? {}),
    })),
  );
}
interface Described {
  readonly parameters?: readonly {
    name: string;
    in: string;
    schema: { enum?: unknown[]; items?: { enum?: unknown[] } };
  }[];
  readonly requestBody?: { content: { 'application/json': { schema: { properties?: object } } } };
}

const all = routes();
const nasty = fc.constantFrom(
  ...[
    '',
    '0',
    '-1',
    '1',
    '1e9',
    '999999999',
    'true',
    'null',
    'oldest',
    'e3.0',
    'e3.2',
    'e9.9',
    'e3.99999999999999999999',
  ],
  ...[
    '2026-01-31T09:00:00Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    'kvm-01',
    'id-kvm',
    'web-01',
    'prod',
    '__proto__',
  ],
  ...[
    'constructor',
    '%',
    '\u0000',
    '\ud800',
    '../..',
    '[]',
    '{}',
    'a,b',
    ',',
    '💣',
    'x'.repeat(300),
    'WyJhIiwiYiJd',
    'WzEsImEiXQ',
  ],
);
const value = fc.oneof(
  { arbitrary: nasty, weight: 3 },
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
);

const json = (keys: readonly string[]): fc.Arbitrary<string> => {
  const member = fc.oneof(nasty, fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('10.0.0.1', 54_321, true, null));
  const known = keys.length === 0 ? fc.constant({}) : fc.dictionary(fc.constantFrom(...keys), member, { maxKeys: 6 });
  const plausible = fc.tuple(fc.integer({ min: 1, max: 50 }), known).map(([n, more]) => {
    const likely = { id: `v${n}`, name: `h${n}`, address: '10.0.0.1', vm: 'web-01', command: 'shutdown', reason: 'x' };
    const taken = Object.entries(likely).filter(([key]) => keys.includes(key));
    return { ...(n % 2 === 0 ? more : {}), ...Object.fromEntries(taken) };
  });
  return fc.oneof(known, plausible, fc.jsonValue({ maxDepth: 3 })).map((body) => JSON.stringify(body));
};
const bodies = (keys: readonly string[]): fc.Arbitrary<string | undefined> =>
  fc.oneof(
    fc.constant(undefined),
    { arbitrary: json(keys), weight: 3 },
    fc.string({ maxLength: 40 }),
    fc.constant('{"a":'),
  );

const encoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1).replaceAll('+', '%20');

const requestOf = (route: Route): fc.Arbitrary<Request> => {
  const known = route.query.map(({ name, values }) =>
    fc.tuple(fc.constant(name), values.length === 0 ? value : fc.oneof(fc.constantFrom(...values.map(String)), value)),
  );
  const parameter = fc.oneof(...known, fc.tuple(value, value));
  return fc.record({
    method: fc.oneof(
      { arbitrary: fc.constant(route.method), weight: 8 },
      fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'),
    ),
    url: fc
      .tuple(fc.array(value, { minLength: 2, maxLength: 2 }), fc.array(parameter, { maxLength: 4 }), fc.boolean())
      .map(([refs, query, plain]) => {
        let next = 0;
        const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
          name === 'kind' ? 'vm' : encoded(refs[next++ % refs.length] ?? '') || 'x',
        );
        const search = query
          .map(([name, text]) => (plain ? `${encoded(name)}=${encoded(text)}` : encoded(name)))
          .join('&');
        return `${path}${search === '' ? '' : `?${search}`}`;
      }),
    headers: fc.record(
      {
        authorization: fc.constantFrom(`Bearer ${token}`, 'Bearer x', 'Basic eA==', ''),
        'content-type': fc.constantFrom('application/json', 'application/json; charset=utf-8', 'text/plain', 'x', ''),
        'if-none-match': fc.constantFrom('*', '""', 'W/"x"', '"a", "b"', ','),
        accept: fc.constantFrom('text/html', '*/*', ''),
        'accept-encoding': fc.constantFrom('gzip', 'gzip;q=0', 'br', ''),
        'last-event-id': fc.constantFrom('e3.1', 'e9.9', 'x', ''),
      },
      { requiredKeys: [] },
    ),
    body: bodies(route.keys),
  }) as fc.Arbitrary<Request>;
};

const agents = new FakeFetcher()
  .host('kvm-01', { vms: { 'web-01': { status: 'Up' }, 'db-12': { status: 'Paused' } } })
  .host('kvm-02', { vms: {} });
const t = await createTestMonitor({ fetcher: agents });
const { server } = setup({
  monitor: () => t.monitor,
  clock: t.clock,
  scheduler: t.clock,
  metrics: { own: new OwnMetrics({ process: false }), series: { perVm: true, statusSeries: 'enum' } },
  reload: () => ({ file: null, changes: [], hosts: null }),
  rate: { perSecond: 1e9, burst: 1e9 },
});
await t.clock.runFor(60_000);
const statuses = new Map<number, number>();
afterAll(async () => {
  // It got far enough to mean something: all kinds of answers came.
  const many = [...statuses.values()].reduce((sum, n) => sum + n, 0) > 1000;
  if (many) expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 403, 404, 405]));
  await server.close();
  await t[Symbol.asyncDispose]();
});

/** The answer, or "hangs" when it does not come although time goes by. */
async function answerTo({ method, url, headers, body }: Request) {
  let settled = false;
  const answering = server
    .inject({
      // A stream has answered when it begins.
      ...(url.startsWith('/api/v1/events/stream') ? { payloadAsStream: true as const } : {}),
      method: method as 'GET',
      url,
      headers: { host: '127.0.0.1:8680', authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { payload: body }),
    })
    .finally(() => {
      settled = true;
    });
  // A long poll ends when its time is over; what is compressed takes real time. Nothing waits longer than for these.
  const patience = performance.now() + 10_000;
  for (let turn = 0; !settled && (turn < 1000 || performance.now() < patience); turn++) {
    if (turn < 1000) await t.clock.runFor(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return settled ? answering : ('hangs' as const);
}

async function holds(request: Request): Promise<void> {
  const answer = await answerTo(request);
  if (answer === 'hangs') throw new Error('It hangs');
  expect(answer.statusCode).toBeLessThan(500);
  statuses.set(answer.statusCode, (statuses.get(answer.statusCode) ?? 0) + 1);
  expect(answer.headers['x-vurti-status']).toMatch(/^\w+$/);
  if (request.method === 'HEAD' || answer.statusCode === 304) return;
  const type = String(answer.headers['content-type']);
  if (type.startsWith('text/event-stream')) {
    answer.stream().destroy();
    return;
  }
  const text = request.url.startsWith('/api/v1/events/stream')
    ? Buffer.concat(await answer.stream().toArray()).toString()
    : answer.body;
  if (answer.statusCode >= 400) {
    expect(type).toBe('application/problem+json; charset=utf-8');
    expect(shapeFaults(JSON.parse(text), 'Problem')).toEqual([]);
  } else if (type.startsWith('application/json') && !request.url.startsWith('/openapi.json')) {
    expect(shapeFaults(JSON.parse(text))).toEqual([]);
  }
}

/** What was found once stays found. */
const found: readonly Request[] = [
  // The real status had a key that its type does not have.
  { method: 'GET', url: '/api/v1/status', headers: {}, body: undefined },
  { method: 'GET', url: '/api/v1/events?since=9999-12-31T23:59:59Z', headers: {}, body: undefined },
  { method: 'GET', url: '/api/v1/vms?fields=,', headers: {}, body: undefined },
  { method: 'GET', url: '/api/v1/hosts?after=WzEsImEiXQ', headers: {}, body: undefined },
  {
    method: 'POST',
    url: '/api/v1/commands',
    headers: { 'content-type': 'application/json' },
    body: '{"vm":"__proto__","command":"constructor"}',
  },
];

it.each(all.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s: no input makes it fail, hang, or answer in another shape',
  async (_, route) => {
    const runs = process.env['VURTI_SOAK'] === '1' ? 5000 : 60;
    await fc.assert(fc.asyncProperty(requestOf(route), holds), { numRuns: runs });
  },
);

it.each(found.map((request) => [`${request.method} ${request.url}`, request] as const))('%s', (_, request) =>
  holds(request),
);
