import { describe, expect, it } from 'vitest';
import { VmPass } from '../../src/fetcher/differential/vm-stats-reader.js';
import { collectPages } from '../../src/fetcher/http/vm-pages.js';
import { CountedIds } from '../../src/kernel/index.js';
import { failureOf, limits, newFetcher, oneLine, patient } from './support/calls.js';
import { type Json, host as nowhere } from './support/fixtures.js';
import { json, startGateway } from './support/gateway.js';

const vm = (vmId: string, more: Json = {}) => ({ vmId, status: 'Up', ...more });

/** Pages by the marker that asks for them; '' is the first. */
async function paging(pages: Record<string, unknown>) {
  return startGateway(({ id, params }, response) =>
    json(response, { jsonrpc: '2.0', id, result: pages[String(params['marker'] ?? '')] }),
  );
}

describe('a list in pages', () => {
  it('is one answer, each page asked for with the marker of the page before, unchanged', async () => {
    const marker = 'after/ü "vm-2"\u0000==';
    const { host, asked, sockets } = await paging({
      '': { items: [vm('a'), vm('b')], next: marker },
      [marker]: { items: [], next: 17 },
      17: { items: [vm('c')], next: null },
    });
    const report = await newFetcher().getAllVmStats(host, patient());
    expect([...report.ids()]).toEqual(['a', 'b', 'c']);
    expect(report.complete).toBe(true);
    expect(asked.map(({ params }) => params)).toEqual([
      { limit: 1000 },
      { limit: 1000, marker },
      { limit: 1000, marker: 17 },
    ]);
    expect(sockets).toHaveLength(1);
  });

  it.each([[[vm('a')]], [{ items: [vm('a')] }], [{ items: [vm('a')], next: '' }]])(
    'ends without a marker: %j',
    async (page) => {
      const { host, asked } = await paging({ '': page });
      expect([...(await newFetcher().getAllVmStats(host, patient())).ids()]).toEqual(['a']);
      expect(asked).toHaveLength(1);
    },
  );

  it('a VM that moved to a later page between two questions counts as it was said last', async () => {
    const { host } = await paging({
      '': { items: [vm('a'), vm('b')], next: 'n' },
      n: { items: [vm('a', { status: 'Paused' })] },
    });
    const report = await newFetcher().getAllVmStats(host, patient());
    expect([report.size, report.complete, report.get('a')?.status]).toEqual([2, true, 'Paused']);
    expect(report.problems).toHaveLength(1);
  });

  it('fails as a whole when a page fails: absence from half a list means nothing', async () => {
    const { host } = await startGateway(({ id, params }, response) => {
      if (params['marker'] === undefined) json(response, { id, result: { items: [vm('a')], next: 'n' } });
      else json(response, { id, error: { code: 1100, message: '' } });
    });
    expect((await failureOf(newFetcher().getAllVmStats(host, patient()))).code).toBe('AGENT_BUSY');
  });

  it.each([
    [
      'a marker that was named before',
      { '': { items: [], next: 'n' }, n: { items: [], next: 'n' } },
      'names a marker for the second time: "n"',
      2,
    ],
    [
      'markers that go in a circle',
      { '': { items: [], next: 'x' }, x: { items: [], next: 'y' }, y: { items: [], next: 'x' } },
      'for the second time',
      3,
    ],
    ['a page without items', { '': { next: 'n' } }, 'neither a list nor a page', 1],
    ['a page that is no object', { '': 'none' }, 'neither a list nor a page', 1],
    ['a marker that is no text', { '': { items: [], next: { page: 2 } } }, 'marker of the next page is no text', 1],
    [
      'a marker of 5,000 characters',
      { '': { items: [], next: 'm'.repeat(5000) } },
      'marker of the next page is no text',
      1,
    ],
  ])('%s is refused', async (_, pages, text, questions) => {
    const { host, asked } = await paging(pages);
    const error = await failureOf(newFetcher().getAllVmStats(host, patient()));
    expect(error).toMatchObject({ code: 'AGENT_BAD_ANSWER', message: expect.stringContaining(text) });
    expect(error.message).toMatch(oneLine);
    expect(asked).toHaveLength(questions);
  });

  it('ends after 1,000 pages, however many the agent has', async () => {
    let page = 0;
    const question = { host: nowhere, method: 'Host.getAllVmStats' };
    const pass = new VmPass(nowhere, null, () => undefined);
    const pages = collectPages(question, pass, () => Promise.resolve({ items: [], next: ++page }));
    expect((await failureOf(pages)).message).toContain('does not end after 1000 pages');
    expect(page).toBe(1000);
  });

  it('all pages together stay within the size limit', async () => {
    let page = 0;
    const { host, asked } = await startGateway(({ id }, response) => {
      json(response, { id, result: { items: [vm(`vm-${page}`, { exitMessage: 'x'.repeat(400_000) })], next: ++page } });
    });
    expect((await failureOf(newFetcher(limits(1)).getAllVmStats(host, patient()))).code).toBe('AGENT_ANSWER_TOO_LARGE');
    expect(asked).toHaveLength(3);
  });

  it('can be given up while a page is asked for', async () => {
    const controller = new AbortController();
    const { host, asked } = await startGateway(({ id }, response) => {
      if (asked.length === 3) controller.abort();
      else json(response, { id, result: { items: [], next: asked.length } });
    });
    expect((await failureOf(newFetcher().getAllVmStats(host, { signal: controller.signal }))).code).toBe(
      'AGENT_ABORTED',
    );
    expect(asked).toHaveLength(3);
  });

  it('can be given up between two pages', async () => {
    const controller = new AbortController();
    const ids = new CountedIds();
    let questions = 0;
    const uuid = (): string => {
      questions += 1;
      // The moment after an answer and before the next question.
      if (questions === 3) controller.abort();
      return ids.uuid();
    };
    const { host, asked } = await startGateway(({ id }, response) =>
      json(response, { id, result: { items: [], next: asked.length } }),
    );
    const call = newFetcher({ ids: { uuid } }).getAllVmStats(host, { signal: controller.signal });
    expect((await failureOf(call)).code).toBe('AGENT_ABORTED');
    expect(asked).toHaveLength(2);
  });
});
