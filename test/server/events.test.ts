import { describe, expect, it, vi } from 'vitest';
import { T0 } from './fake-monitor.js';
import { type Setup, setup } from './setup.js';

interface Page {
  cursor: string;
  more: boolean;
  before: string | null;
  items: { cursor: string; name: string; host: string | null; changes?: unknown }[];
}

function withHistory(): Setup {
  const made = setup();
  const { log } = made.monitor;
  log.event('VDS_HOST_NOT_RESPONDING', { host: 'kvm-01', time: T0 - 7_200_000, params: { Seconds: '73' } });
  const lost = log.event('VDS_FAILURE', {
    host: 'kvm-01',
    time: T0 - 3_600_000,
    params: { Error: 'connect timed out' },
  });
  log.change(lost, [
    { path: 'status', from: 'Connecting', to: 'NonResponsive' },
    { path: 'statusSince', from: T0 - 7_200_000, to: T0 - 3_600_000 },
  ]);
  log.event('VM_SET_TO_UNKNOWN_STATUS', { host: 'kvm-01', vm: 'web-01', time: T0 - 3_600_000, parent: lost.id });
  log.event('VM_DOWN', { host: 'kvm-02', vm: 'db-12', time: T0 - 60_000 });
  return made;
}

async function page(made: Setup, query: string): Promise<Page> {
  const answer = await made.get(`/api/v1/events?${query}`);
  expect(answer.statusCode).toBe(200);
  return answer.json<Page>();
}
const cursors = (list: Page): string[] => list.items.map((item) => item.cursor);

describe('GET /api/v1/events', () => {
  const table: [string, string[], Partial<Page>][] = [
    ['', ['e3.1', 'e3.2', 'e3.4', 'e3.5'], { cursor: 'e3.5', more: false }],
    ['limit=2', ['e3.4', 'e3.5'], { cursor: 'e3.5', more: false }],
    ['reverse=true', ['e3.5', 'e3.4', 'e3.2', 'e3.1'], { cursor: 'e3.5', more: false, before: null }],
    ['reverse=true&limit=2', ['e3.5', 'e3.4'], { cursor: 'e3.5', more: true, before: 'e3.4' }],
    ['reverse=true&limit=2&before=e3.4', ['e3.2', 'e3.1'], { before: 'e3.1', more: true }],
    ['after=oldest&limit=2', ['e3.1', 'e3.2'], { cursor: 'e3.2', more: true }],
    ['after=e3.2', ['e3.4', 'e3.5'], { cursor: 'e3.5', more: false }],
    ['after=e3.5', [], { cursor: 'e3.5', more: false }],
    ['severity=error', ['e3.2'], { cursor: 'e3.5' }],
    ['severity=warning', ['e3.1', 'e3.2', 'e3.4'], {}],
    ['type=VM_DOWN,VDS_FAILURE', ['e3.2', 'e3.5'], {}],
    ['host=kvm-01', ['e3.1', 'e3.2', 'e3.4'], {}],
    ['vm=web-01', ['e3.4'], {}],
    [`since=${new Date(T0 - 3_600_000).toISOString()}`, ['e3.2', 'e3.4', 'e3.5'], { more: false }],
    [`since=${new Date(T0 - 3_600_000).toISOString()}&limit=1`, ['e3.2'], { more: true, cursor: 'e3.2' }],
    [`until=${new Date(T0 - 3_600_000).toISOString()}&reverse`, ['e3.4', 'e3.2', 'e3.1'], {}],
  ];
  it.each(table)('?%s', async (query, expected, more) => {
    const made = await page(withHistory(), query);
    expect(cursors(made)).toEqual(expected);
    expect(made).toMatchObject(more);
  });

  it('reads the whole log in pages, each record once', async () => {
    const made = withHistory();
    const seen: string[] = [];
    let next: Page = await page(made, 'after=oldest&limit=1');
    seen.push(...cursors(next));
    while (next.more) {
      next = await page(made, `after=${next.cursor}&limit=1`);
      seen.push(...cursors(next));
    }
    expect(seen).toEqual(['e3.1', 'e3.2', 'e3.4', 'e3.5']);
  });

  it('reads about as many of the newest as a page holds, and more at a time where few of them pass', async () => {
    const made = withHistory();
    for (let i = 0; i < 700; i++) made.monitor.log.event('VM_DOWN', { vm: `vm-${i}` });
    const latest = vi.spyOn(made.monitor.log, 'latest');
    const reads = async (query: string): Promise<unknown[]> => {
      latest.mockClear();
      await page(made, query);
      return latest.mock.calls.map(([limit]) => limit);
    };
    expect(await reads('limit=100')).toEqual([100]);
    expect(await reads('limit=2')).toEqual([50]);
    expect(await reads('limit=5&type=VDS_FAILURE')).toEqual([50, 500, 500]);
  });

  it('says who, why and what changed', async () => {
    const [event] = (await page(withHistory(), 'type=VDS_FAILURE&changes=true')).items;
    expect(event).toEqual({
      cursor: 'e3.2',
      time: '2026-01-31T08:00:00.000Z',
      name: 'VDS_FAILURE',
      severity: 'ERROR',
      message: 'NonResponsive: connect timed out',
      host: 'kvm-01',
      hostId: 'id-kvm-01',
      vm: null,
      vmId: null,
      clusterId: null,
      customId: null,
      eventId: 'ev-2',
      parent: null,
      correlation: null,
      params: { Error: 'connect timed out' },
      cause: { rule: 'host.lost', by: 'poll', at: '2026-01-31T08:00:00.000Z', host: 'kvm-01', seq: 18_204, code: null },
      changes: [
        { path: 'status', from: 'Connecting', to: 'NonResponsive' },
        { path: 'statusSince', from: '2026-01-31T07:00:00.000Z', to: '2026-01-31T08:00:00.000Z' },
      ],
    });
    expect((await page(withHistory(), 'type=VDS_FAILURE')).items[0]).not.toHaveProperty('changes');
  });

  it('refuses cursors of another log and of a removed part', async () => {
    const made = withHistory();
    made.monitor.log.removedUpTo = 2;
    const answers = await Promise.all(['e3.1', 'e3.99', 'x'].map((after) => made.get(`/api/v1/events?after=${after}`)));
    expect(answers.map((a) => [a.statusCode, a.json().code])).toEqual([
      [410, 'CURSOR_TOO_OLD'],
      [400, 'CURSOR_INVALID'],
      [400, 'CURSOR_INVALID'],
    ]);
    expect(cursors(await page(made, 'after=oldest'))).toEqual(['e3.4', 'e3.5']);
  });
});

describe('long poll', () => {
  /** Resolves when the request waits for records. */
  async function waiting(made: Setup, url: string): Promise<{ answer: Promise<Page> }> {
    const answer = made.get(url).then((response) => response.json<Page>());
    await made.time.runFor(0);
    while (made.time.waiting().get('long-poll') === undefined) await made.time.runFor(0);
    return { answer };
  }

  it('waits for an event that passes the filters, and gives all of its batch', async () => {
    const made = withHistory();
    const { answer } = await waiting(made, '/api/v1/events?after=e3.5&wait=30&severity=error');
    made.monitor.log.event('VM_DOWN', { vm: 'a' });
    made.monitor.log.event('VM_DOWN_ERROR', { vm: 'b' });
    made.monitor.log.event('VM_DOWN_ERROR', { vm: 'c' });
    const got = await answer;
    expect(cursors(got)).toEqual(['e3.7', 'e3.8']);
    expect(got.cursor).toBe('e3.8');
    expect(made.time.waiting().size).toBe(0);
  });

  it('ends empty when its time is over', async () => {
    const made = withHistory();
    const { answer } = await waiting(made, '/api/v1/events?after=e3.5&wait=30');
    await made.time.runFor(30_000);
    expect(await answer).toMatchObject({ items: [], cursor: 'e3.5', more: false });
  });

  it('ends at once when the server closes', async () => {
    const made = withHistory();
    const { answer } = await waiting(made, '/api/v1/events?after=e3.5&wait=30');
    await made.server.close();
    expect(await answer).toMatchObject({ items: [], cursor: 'e3.5' });
    expect(made.time.waiting().size).toBe(0);
  });
});
