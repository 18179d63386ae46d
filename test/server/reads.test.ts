import { describe, expect, it } from 'vitest';
import { host, T0, vm } from './fake-monitor.js';
import { setup } from './setup.js';

const envelope = { apiVersion: 'vurti/v1', asOf: '2026-01-31T09:00:00.000Z', cursor: 'e3.0', status: 'ready' };
const names = (body: string): string[] =>
  (JSON.parse(body) as { items: { name: string }[] }).items.map((item) => item.name);

it('makes the whole status for the answer that shows it alone', async () => {
  const { get, monitor } = setup();
  let looks = 0;
  const { status } = monitor;
  Object.assign(monitor, {
    status: () => {
      looks += 1;
      return status();
    },
  });
  for (const path of [
    '/livez',
    '/readyz',
    '/api/v1/vms',
    '/api/v1/hosts/kvm-01',
    '/api/v1/clusters',
    '/api/v1/events',
  ]) {
    expect((await get(path)).statusCode, path).toBe(200);
  }
  expect(looks).toBe(0);
  expect((await get('/api/v1/status')).statusCode).toBe(200);
  expect(looks).toBe(1);
});

describe('entities', () => {
  it('lists VMs with times in RFC 3339, null for what is not known, and the cursor to watch from', async () => {
    const { get, monitor } = setup();
    monitor.vmList = [
      vm('web-03', { status: 'Unknown', freshness: 'stale', cpuPercent: null, since: T0 - 1000, heardAt: null }),
    ];
    const answer = await get('/api/v1/vms');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['x-vurti-status']).toBe('ready');
    expect(answer.headers['x-vurti-remaining']).toBe('0');
    expect(answer.json()).toMatchObject({
      ...envelope,
      kind: 'VmList',
      total: 1,
      matched: 1,
      items: [
        {
          name: 'web-03',
          status: 'Unknown',
          freshness: 'stale',
          since: '2026-01-31T08:59:59.000Z',
          heardAt: null,
          cpuPercent: null,
        },
      ],
    });
  });

  it('shows a host with units in names', async () => {
    const { get } = setup();
    expect((await get('/api/v1/hosts/kvm-01')).json()).toMatchObject({
      ...envelope,
      kind: 'Host',
      item: {
        id: 'id-kvm-01',
        memoryBytes: 274_877_906_944,
        nextPollAt: '2026-01-31T09:00:06.000Z',
        graceEndsAt: null,
      },
    });
    expect((await get('/api/v1/hosts/kvm-01')).json().item).not.toHaveProperty('memoryMb');
  });

  const filters: [string, string[]][] = [
    ['/api/v1/vms', ['db-12', 'web-01']],
    ['/api/v1/vms?status=paused', ['db-12']],
    ['/api/v1/vms?status=Paused,UP', ['db-12', 'web-01']],
    ['/api/v1/vms?host=kvm-01', ['web-01']],
    ['/api/v1/vms?host=id-kvm-02&freshness=live', ['db-12']],
    ['/api/v1/vms?cluster=prod', ['db-12', 'web-01']],
    ['/api/v1/vms?cluster=lab', []],
    ['/api/v1/vms?freshness=stale', []],
    ['/api/v1/vms?limit=1', ['db-12']],
    ['/api/v1/hosts?cluster=c-lab', ['kvm-02']],
    ['/api/v1/hosts?status=Up&host=kvm-01', ['kvm-01']],
    ['/api/v1/clusters', ['lab', 'prod']],
  ];
  it.each(filters)('%s', async (url, expected) => {
    const answer = await setup().get(url);
    expect(answer.statusCode).toBe(200);
    expect(names(answer.body)).toEqual(expected);
  });

  it('counts what matched apart from what there is', async () => {
    expect((await setup().get('/api/v1/vms?status=Up,Paused&limit=1')).json()).toMatchObject({ total: 2, matched: 2 });
  });

  it('explains', async () => {
    expect((await setup().get('/api/v1/explain/vm/web-01')).json()).toMatchObject({
      kind: 'Explanation',
      item: { kind: 'vm', name: 'web-01', rule: 'host.lost.vms-unknown', since: '2026-01-30T09:00:00.000Z' },
    });
  });
});

describe('service', () => {
  it('gives the status, with the hosts whose VMs are not live', async () => {
    const { get, monitor } = setup();
    monitor.vmList = [
      vm('a'),
      vm('b', { freshness: 'stale' }),
      vm('c', { freshness: 'stale' }),
      vm('d', { freshness: 'unknown', host: null, hostId: null }),
    ];
    monitor.hostList = [host('kvm-01')];
    expect((await get('/api/v1/status')).json()).toMatchObject({
      ...envelope,
      kind: 'Status',
      startedAt: '2026-01-28T05:00:00.000Z',
      uptimeSeconds: 273_600,
      vms: { total: 4, notLive: [{ host: 'kvm-01', vms: 2 }] },
      database: { failingSince: null },
    });
  });

  it('shows the settings in force', async () => {
    expect((await setup().get('/api/v1/settings')).json()).toMatchObject({
      kind: 'SettingList',
      items: [{ path: 'mode', value: 'observer' }],
    });
  });

  it('answers before there is a monitor, and says what it waits for', async () => {
    const { get } = setup({ monitor: () => undefined, phase: () => 'the embedded PostgreSQL starts' });
    expect((await get('/livez')).statusCode).toBe(200);
    for (const url of ['/readyz', '/api/v1/status', '/api/v1/vms', '/api/v1/events', '/api/v1/settings']) {
      const answer = await get(url);
      expect([url, answer.statusCode, answer.headers['x-vurti-status']]).toEqual([url, 503, 'loading']);
      expect(answer.headers['x-vurti-remaining']).toBe('unknown');
      expect(answer.json()).toMatchObject({
        code: 'NOT_READY',
        retryable: true,
        detail: 'The service is starting: the embedded PostgreSQL starts',
      });
    }
  });

  it('tells serving from synced, and gives no half-loaded lists', async () => {
    const { get, monitor } = setup();
    const levels = async (): Promise<number[]> => [
      (await get('/readyz')).statusCode,
      (await get('/readyz?level=synced')).statusCode,
      (await get('/api/v1/vms')).statusCode,
      (await get('/api/v1/status')).statusCode,
    ];
    monitor.statusNow = { readiness: 'loading', condition: 'loading' };
    expect(await levels()).toEqual([503, 503, 503, 200]);
    monitor.statusNow = { readiness: 'serving' };
    expect(await levels()).toEqual([200, 503, 200, 200]);
    monitor.statusNow = {};
    expect(await levels()).toEqual([200, 200, 200, 200]);
  });

  it('writes counters beyond 2^53 as strings', async () => {
    const { get, monitor } = setup();
    monitor.statusNow = { polls: { inFlight: 0, total: 2 ** 60, failed: 1, skipped: 0, latenessP99Ms: null } };
    expect((await get('/api/v1/status')).json().polls).toMatchObject({
      total: '1152921504606846976',
      failed: 1,
      latenessP99Ms: null,
    });
  });
});
