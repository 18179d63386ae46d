import { describe, expect, it } from 'vitest';
import { host, T0, vm } from './fake-monitor.js';
import { setup } from './setup.js';

interface List {
  kind: string;
  total: number;
  matched: number;
  next: string | null;
  items: Record<string, unknown>[];
}

describe('pages', () => {
  it('walks a list by cursor, in the order of names, each item once', async () => {
    const { get, monitor } = setup();
    monitor.vmList = ['c', 'a', 'b', 'e', 'd'].map((name) => vm(name));
    const names: unknown[] = [];
    let after: string | null = '';
    const sizes: number[] = [];
    while (after !== null) {
      const page: List = (await get(`/api/v1/vms?limit=2${after === '' ? '' : `&after=${after}`}`)).json();
      expect(page).toMatchObject({ total: 5, matched: 5 });
      names.push(...page.items.map((item) => item['name']));
      sizes.push(page.items.length);
      after = page.next;
    }
    expect([names, sizes]).toEqual([
      ['a', 'b', 'c', 'd', 'e'],
      [2, 2, 1],
    ]);
  });

  it('what comes and goes between two pages neither hides nor doubles what stays', async () => {
    const { get, monitor } = setup();
    monitor.vmList = ['a', 'b', 'd', 'e'].map((name) => vm(name));
    const first: List = (await get('/api/v1/vms?limit=2')).json();
    // The last one of the page goes, one comes before it and one after it.
    monitor.vmList = ['a', 'aa', 'c', 'd', 'e'].map((name) => vm(name));
    const rest: List = (await get(`/api/v1/vms?limit=9&after=${first.next}`)).json();
    expect(rest.items.map((item) => item['name'])).toEqual(['c', 'd', 'e']);
    expect(rest.next).toBeNull();
  });

  it('tells VMs of one name apart', async () => {
    const { get, monitor } = setup();
    monitor.vmList = ['3', '1', '2'].map((id) => vm('same', { id }));
    const first: List = (await get('/api/v1/vms?limit=1')).json();
    const second: List = (await get(`/api/v1/vms?limit=1&after=${first.next}`)).json();
    expect([...first.items, ...second.items].map((item) => item['id'])).toEqual(['1', '2']);
  });

  it('has no next page when the last item is on this one, and none of an empty list', async () => {
    const { get, monitor } = setup();
    expect((await get('/api/v1/vms?limit=2')).json()).toMatchObject({ next: null });
    monitor.vmList = [];
    expect((await get('/api/v1/vms?limit=2')).json()).toMatchObject({ next: null, items: [] });
  });

  it.each(['nonsense', 'WyJhIl0', '%00', 'bnVsbA'])('refuses %s as a cursor', async (after) => {
    const answer = await setup().get(`/api/v1/hosts?after=${after}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'CURSOR_INVALID']);
  });

  it('makes the list of a large fleet in portions', async () => {
    const { get, monitor, time } = setup();
    monitor.vmList = Array.from({ length: 1600 }, (_, i) => vm(`vm-${String(i).padStart(4, '0')}`));
    let turns = 0;
    const waiting = get('/api/v1/vms');
    time.yield = async () => {
      turns += 1;
    };
    const list: List = (await waiting).json();
    expect(turns).toBe(3);
    expect(list.items.map((item) => item['name'])).toEqual(monitor.vmList.map(({ name }) => name));
  });
});

describe('fields', () => {
  it('gives the keys that were asked for alone, and says so in its kind', async () => {
    const list: List = (await setup().get('/api/v1/hosts?fields=status,name')).json();
    expect(list.kind).toBe('PartialHostList');
    expect(list.items).toEqual([
      { name: 'kvm-01', status: 'Up' },
      { name: 'kvm-02', status: 'Up' },
    ]);
  });

  it('of events too', async () => {
    const { get, monitor } = setup();
    monitor.log.event('VM_DOWN', { vm: 'web-01' });
    expect((await get('/api/v1/events?fields=name,vm')).json()).toMatchObject({
      kind: 'PartialEventList',
      items: [{ name: 'VM_DOWN', vm: 'web-01' }],
    });
  });

  it('refuses what there is not', async () => {
    expect((await setup().get('/api/v1/vms?fields=nmae')).json().detail).toMatch(/did you mean name\?/);
  });
});

describe('ETag', () => {
  const tagOf = async (get: ReturnType<typeof setup>['get'], url: string): Promise<string> =>
    String((await get(url)).headers['etag']);
  const ask = async (get: ReturnType<typeof setup>['get'], url: string, tag: string): Promise<number> =>
    (await get(url, { 'if-none-match': tag })).statusCode;

  it.each(['hosts', 'vms', 'clusters', 'inventory', 'hosts/kvm-01', 'vms/web-01'])(
    '%s: 304 as long as nothing changed',
    async (what) => {
      const { get, monitor } = setup();
      const url = `/api/v1/${what}`;
      const tag = await tagOf(get, url);
      const same = await get(url, { 'if-none-match': tag });
      expect([same.statusCode, same.body, same.headers['etag']]).toEqual([304, '', tag]);
      expect(await ask(get, url, '"other"')).toBe(200);
      expect(await ask(get, url, `"other", ${tag.replace('W/', '')}`)).toBe(304);
      monitor.revisionNow += 1;
      expect(await ask(get, url, tag)).toBe(200);
    },
  );

  it('looks at no entity for a 304', async () => {
    const { get, monitor } = setup();
    const tag = await tagOf(get, '/api/v1/vms');
    monitor.vms.page = () => {
      throw new Error('looked');
    };
    expect(await ask(get, '/api/v1/vms', tag)).toBe(304);
  });

  it('figures are 15 s old at most; without figures only a change counts', async () => {
    const { get, monitor } = setup();
    const all = await tagOf(get, '/api/v1/vms');
    const state = await tagOf(get, '/api/v1/vms?fields=name,status');
    const figures = await tagOf(get, '/api/v1/vms?fields=name,cpuPercent');
    monitor.statusNow = { now: T0 + 15_000 };
    expect(await ask(get, '/api/v1/vms', all)).toBe(200);
    expect(await ask(get, '/api/v1/vms?fields=name,status', state)).toBe(304);
    expect(await ask(get, '/api/v1/vms?fields=name,cpuPercent', figures)).toBe(200);
  });

  it('is another one after a restart', async () => {
    const { get, monitor } = setup();
    const tag = await tagOf(get, '/api/v1/vms?fields=name');
    monitor.statusNow = { startedAt: T0 - 1 };
    expect(await ask(get, '/api/v1/vms?fields=name', tag)).toBe(200);
  });

  it('of the log follows its head, and a long poll waits all the same', async () => {
    const { get, monitor } = setup();
    monitor.log.event('VM_DOWN', { vm: 'web-01' });
    const tag = await tagOf(get, '/api/v1/events');
    expect(await ask(get, '/api/v1/events', tag)).toBe(304);
    expect((await get('/api/v1/events?after=e3.0&wait=5', { 'if-none-match': tag })).statusCode).toBe(200);
    monitor.log.event('VM_DOWN', { vm: 'web-01' });
    expect(await ask(get, '/api/v1/events', tag)).toBe(200);
  });

  it('of settings and of the document of the API', async () => {
    const { get } = setup();
    for (const url of ['/api/v1/settings', '/openapi.json'])
      expect(await ask(get, url, await tagOf(get, url)), url).toBe(304);
  });

  it('does not hide that an entity is not there', async () => {
    const { get, monitor } = setup();
    const tag = await tagOf(get, '/api/v1/hosts/kvm-01');
    monitor.hostList = [host('kvm-02')];
    expect(await ask(get, '/api/v1/hosts/kvm-01', tag)).toBe(404);
  });
});

describe('changes since a cursor', () => {
  it('gives what changed after the cursor of a list, and the cursor to go on with', async () => {
    const { get, monitor } = setup();
    const event = monitor.log.event('VM_PAUSED_ENOSPC', { vm: 'db-12' });
    const list = (await get('/api/v1/vms')).json();
    expect((await get(`/api/v1/changes?after=${list.cursor}`)).json()).toMatchObject({
      kind: 'ChangeList',
      cursor: 'e3.1',
      items: [],
    });
    monitor.log.change(event, [{ path: 'status', from: 'Up', to: 'Paused' }]);
    expect((await get(`/api/v1/changes?after=${list.cursor}`)).json()).toMatchObject({
      kind: 'ChangeList',
      cursor: 'e3.2',
      more: false,
      items: [
        {
          entity: 'vm',
          entityId: 'vm-db-12',
          what: 'changed',
          changes: [{ path: 'status', from: 'Up', to: 'Paused' }],
          cause: { rule: 'host.lost', by: 'poll' },
        },
      ],
    });
    expect((await get('/api/v1/changes?after=e3.0&type=host.changed')).json().items).toEqual([]);
    expect((await get('/api/v1/changes?after=e3.0&vm=db-12&type=vm.changed&fields=what')).json().items).toEqual([
      { what: 'changed' },
    ]);
  });

  it('waits for one, and is answered when it comes', async () => {
    const { get, monitor } = setup();
    const event = monitor.log.event('VM_DOWN', { vm: 'web-01' });
    const waiting = get('/api/v1/changes?after=e3.1&wait=30');
    await new Promise((resolve) => setImmediate(resolve));
    monitor.log.event('VM_DOWN', { vm: 'db-12' });
    monitor.log.change(event, [{ path: 'status', from: 'Up', to: 'Down' }]);
    expect((await waiting).json()).toMatchObject({ cursor: 'e3.3', items: [{ entity: 'vm' }] });
  });

  it('says when the cursor is too old: the list is to be read again', async () => {
    const { get, monitor } = setup();
    for (let i = 0; i < 5; i++) monitor.log.event('VM_DOWN', { vm: 'web-01' });
    monitor.log.removedUpTo = 4;
    const answer = await get('/api/v1/changes?after=e3.1');
    expect([answer.statusCode, answer.json().code]).toEqual([410, 'CURSOR_TOO_OLD']);
  });
});

describe('commands', () => {
  it('begin, list, end', async () => {
    const { get, send, monitor } = setup();
    const begun = await send('POST', '/api/v1/commands', { vm: 'web-01', command: 'shutdown', ttlSeconds: 60 });
    expect([begun.statusCode, begun.headers['location']]).toEqual([201, '/api/v1/commands/vm-web-01/shutdown']);
    const item = {
      vmId: 'vm-web-01',
      vm: 'web-01',
      command: 'shutdown',
      count: 1,
      since: '2026-01-31T09:00:00.000Z',
      endsAt: '2026-01-31T09:01:00.000Z',
    };
    expect(begun.json()).toMatchObject({ kind: 'Command', item });
    expect((await get('/api/v1/commands?vm=web-01')).json()).toMatchObject({ kind: 'CommandList', items: [item] });
    expect((await get('/api/v1/commands?vm=db-12')).json()).toMatchObject({ total: 1, matched: 0, items: [] });
    const ended = await send('DELETE', '/api/v1/commands/web-01/shutdown');
    expect(ended.json()).toMatchObject({ kind: 'Command', item: { ...item, count: 0 } });
    expect(monitor.calls).toEqual(['begin vm-web-01 shutdown 60', 'end vm-web-01 shutdown']);
    const again = await send('DELETE', '/api/v1/commands/web-01/shutdown');
    expect([again.statusCode, again.json().code]).toEqual([404, 'NOT_FOUND']);
  });

  it('of a VM that is not known yet', async () => {
    const { get, send } = setup();
    await send('POST', '/api/v1/commands', { vm: 'to-come', command: 'start' });
    expect((await get('/api/v1/commands?vm=to-come')).json().items).toMatchObject([{ vmId: 'to-come', vm: null }]);
  });
});

describe('inventory', () => {
  it('has clusters, then hosts, then VMs, each by name, in pages', async () => {
    const { get } = setup();
    const list: List = (await get('/api/v1/inventory')).json();
    const short = (items: List['items']): string[] => items.map((item) => `${item['entity']} ${item['name']}`);
    const all = ['cluster lab', 'cluster prod', 'host kvm-01', 'host kvm-02', 'vm db-12', 'vm web-01'];
    expect(short(list.items)).toEqual(all);
    const first: List = (await get('/api/v1/inventory?limit=4')).json();
    const second: List = (await get(`/api/v1/inventory?limit=4&after=${first.next}`)).json();
    expect(short([...first.items, ...second.items])).toEqual(all);
    expect(short(((await get('/api/v1/inventory?entity=host')).json() as List).items)).toEqual(all.slice(2, 4));
  });
});
