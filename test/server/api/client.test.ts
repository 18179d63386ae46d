import createClient from 'openapi-fetch';
import { expect, it } from 'vitest';
import { operations } from '../../../src/server/api/operations.js';
import { OwnMetrics } from '../../../src/server/index.js';
import { T0 } from '../fake-monitor.js';
import { type Setup, setup, token } from '../setup.js';
import type { paths } from './openapi-types.js';
import { shapeFaults } from './shapes.js';

interface Driven extends Setup {
  readonly client: ReturnType<typeof createClient<paths>>;
  /** "GET /api/v1/hosts/{ref}" of what was called. */
  readonly called: Set<string>;
}

function drive(): Driven {
  const all = setup({
    metrics: { own: new OwnMetrics({ process: false }), series: { perVm: true, statusSeries: 'code' } },
    reload: () => ({
      file: 'vurti.yaml',
      changes: [{ path: 'poll.intervalSeconds', from: 15, to: 30, takesEffect: 'now' }],
      hosts: { added: ['kvm-03'], changed: [], leaving: [], returned: [], removed: [], refused: [], held: [] },
    }),
  });
  const called = new Set<string>();
  const client = createClient<paths>({
    baseUrl: 'http://127.0.0.1:8680',
    headers: { authorization: `Bearer ${token}` },
    fetch: async (request: Request) => {
      const { pathname, search } = new URL(request.url);
      const payload = await request.text();
      const answer = await all.server.inject({
        method: request.method as 'GET',
        url: `${pathname}${search}`,
        headers: { ...Object.fromEntries(request.headers), host: '127.0.0.1:8680' },
        ...(payload === '' ? {} : { payload }),
      });
      const empty = answer.statusCode === 304;
      return new Response(empty ? null : answer.body, {
        status: answer.statusCode,
        headers: answer.headers as Record<string, string>,
      });
    },
  });
  client.use({
    onResponse: async ({ schemaPath, request, response }) => {
      called.add(`${request.method} ${schemaPath}`);
      const type = response.headers.get('content-type') ?? '';
      if (/json/.test(type) && schemaPath !== '/openapi.json')
        expect([schemaPath, shapeFaults(await response.clone().json())]).toEqual([schemaPath, []]);
    },
  });
  return { ...all, client, called };
}

it('a client that was made of the OpenAPI document drives every route, and each answer has the shape it promises', async () => {
  const { client, called, monitor } = drive();
  const event = monitor.log.event('VM_PAUSED_ENOSPC', { vm: 'db-12', params: { vm: 'db-12' } });
  monitor.log.change(event, [{ path: 'status', from: 'Up', to: 'Paused' }]);
  monitor.intentList = [
    {
      ...{ kind: 'intent', intent: 'autoRun', key: 'autoRun|vm-db-12|1', round: 0, since: T0, advisory: true },
      ...{ evidence: { tries: 1 }, time: T0, hostId: null, vmId: 'vm-db-12', clusterId: null, correlation: null },
      ...{ cause: event.cause, cursor: 'e3.3' },
    } as (typeof monitor.intentList)[number],
  ];

  // Fleet
  const hosts = await client.GET('/api/v1/hosts', { params: { query: { status: ['Up'], limit: 1 } } });
  if (hosts.data?.kind !== 'HostList') throw new Error('no list of hosts');
  // Types narrow by the kind: all keys are there.
  const [host] = hosts.data.items;
  const memoryBytes: number | null | undefined = host?.memoryBytes;
  expect([host?.name, memoryBytes]).toEqual(['kvm-01', 274_877_906_944]);
  const more = await client.GET('/api/v1/hosts', { params: { query: { limit: 1, after: hosts.data.next ?? '' } } });
  expect(more.data?.items.map(({ name }) => name)).toEqual(['kvm-02']);
  const part = await client.GET('/api/v1/vms', { params: { query: { fields: ['name', 'status'] } } });
  expect(part.data?.items).toEqual([
    { name: 'db-12', status: 'Paused' },
    { name: 'web-01', status: 'Up' },
  ]);
  const tag = part.response.headers.get('etag') ?? '';
  const same = await client.GET('/api/v1/vms', {
    params: { query: { fields: ['name', 'status'] }, header: { 'If-None-Match': tag } },
  });
  expect(same.response.status).toBe(304);
  await client.GET('/api/v1/vms');
  const ref = { params: { path: { ref: 'kvm-01' } } };
  const vmRef = { params: { path: { ref: 'web-01' } } };
  expect((await client.GET('/api/v1/hosts/{ref}', ref)).data?.item.id).toBe('id-kvm-01');
  expect((await client.GET('/api/v1/vms/{ref}', vmRef)).data?.item.ha).toBe(true);
  expect((await client.GET('/api/v1/clusters')).data?.items).toHaveLength(2);
  const why = await client.GET('/api/v1/explain/{kind}/{ref}', { params: { path: { kind: 'vm', ref: 'web-01' } } });
  expect(why.data?.item.rule).toBe('host.lost.vms-unknown');
  const rawPath = { params: { path: { ref: 'kvm-01', method: 'Host.getStats' } } };
  expect((await client.GET('/api/v1/raw/{ref}/{method}', rawPath)).data?.item.host).toBe('kvm-01');
  // Log
  const events = await client.GET('/api/v1/events', { params: { query: { severity: ['ERROR'], changes: true } } });
  expect(events.data?.items[0]?.changes).toEqual([{ path: 'status', from: 'Up', to: 'Paused' }]);
  const changes = await client.GET('/api/v1/changes', { params: { query: { after: 'e3.1', type: ['vm.changed'] } } });
  expect(changes.data).toMatchObject({ cursor: 'e3.2', items: [{ what: 'changed' }] });
  const stream = await client.GET('/api/v1/events/stream', {
    params: { query: { after: 'e3.0', follow: false } },
    parseAs: 'text',
  });
  expect(stream.data).toMatch(/^event: hello\n/);
  // Service
  expect((await client.GET('/livez')).data?.status).toBe('alive');
  expect((await client.GET('/readyz', { params: { query: { level: 'synced' } } })).data?.readiness).toBe('synced');
  expect((await client.GET('/api/v1/status')).data?.vms.total).toBe(2);
  expect((await client.GET('/api/v1/settings')).data?.items[0]?.path).toBe('mode');
  expect((await client.GET('/api/v1/sinks')).data?.items).toEqual([]);
  expect((await client.GET('/metrics', { parseAs: 'arrayBuffer' })).response.status).toBe(200);
  expect((await client.GET('/openapi.json')).data).toMatchObject({ openapi: '3.1.0' });
  expect((await client.POST('/api/v1/reload', { body: {} })).data?.item.changes).toHaveLength(1);
  // Advice and commands
  const advice = await client.GET('/api/v1/intents', { params: { query: { type: ['autoRun'] } } });
  const key = advice.data?.items[0]?.key ?? '';
  await client.POST('/api/v1/intents/{key}/acknowledge', { params: { path: { key } } });
  const begun = await client.POST('/api/v1/commands', { body: { vm: 'web-01', command: 'shutdown' } });
  expect(begun.data?.item.count).toBe(1);
  expect((await client.GET('/api/v1/commands')).data?.total).toBe(1);
  await client.DELETE('/api/v1/commands/{vm}/{command}', { params: { path: { vm: 'web-01', command: 'shutdown' } } });
  // Inventory
  const inventory = await client.GET('/api/v1/inventory', { params: { query: { entity: ['cluster', 'vm'] } } });
  const names = inventory.data?.items.map((one) => (one.entity === 'cluster' ? one.networks.length : one.name));
  expect(names).toEqual([0, 0, 'db-12', 'web-01']);
  const added = await client.POST('/api/v1/hosts', { body: { name: 'kvm-09', address: '10.0.0.9' } });
  expect(added.response.status).toBe(201);
  await client.POST('/api/v1/hosts/{ref}/maintenance', { ...ref, body: { reason: 'new disks' } });
  await client.POST('/api/v1/hosts/{ref}/activate', ref);
  await client.POST('/api/v1/hosts/{ref}/confirm-rebooted', ref);
  await client.POST('/api/v1/hosts/{ref}/poke', ref);
  await client.DELETE('/api/v1/hosts/{ref}', ref);
  await client.POST('/api/v1/vms', { body: { id: 'v9', name: 'web-09' } });
  await client.DELETE('/api/v1/vms/{ref}', vmRef);
  await client.POST('/api/v1/clusters', { body: { name: 'lab' } });
  // A refusal is typed, too.
  const refused = await client.GET('/api/v1/vms/{ref}', { params: { path: { ref: 'nobody' } } });
  expect(refused.error?.code).toBe('NOT_FOUND');

  const all = Object.values(operations).map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  expect([...called].sort()).toEqual(all.sort());
});

it('what stands in the table of routes is what the server answers to, and nothing else', () => {
  const { server } = drive();
  const served = server.routes
    .filter(({ method, url }) => method !== 'HEAD' && !/^\/(docs.*)?$/.test(url))
    .map(({ method, url }) => `${method} ${url}`);
  expect(served.sort()).toEqual(
    Object.values(operations)
      .map(({ method, path }) => `${method} ${path}`)
      .sort(),
  );
});

it('each frame of the stream has the shape it promises', async () => {
  const { get, monitor } = setup();
  const event = monitor.log.event('VM_DOWN', { vm: 'web-01' });
  monitor.log.change(event, [{ path: 'status', from: 'Up', to: 'Down' }]);
  const text = (await get('/api/v1/events/stream?after=e3.0&kind=event,change&follow=false')).body;
  const shapes = {
    hello: 'StreamHello',
    event: 'Event',
    change: 'Change',
    checkpoint: 'StreamCheckpoint',
    end: 'StreamEnd',
  } as const;
  const frames = [...text.matchAll(/event: (\w+)\nid: .*\ndata: (.*)\n\n/g)];
  expect(frames.map(([, name]) => name)).toEqual(expect.arrayContaining(['hello', 'event', 'change', 'end']));
  for (const [, name, data] of frames)
    expect(shapeFaults(JSON.parse(data ?? ''), shapes[name as keyof typeof shapes])).toEqual([]);
});
