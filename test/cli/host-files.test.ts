import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HostFiles, type WatchDirectory } from '../../src/cli/serve/host-files.js';
import { bySource } from '../../src/cli/serve/inventory.js';
import { silentTelemetry, VirtualTime } from '../../src/kernel/index.js';
import { agentAccess, type HostSource, InventorySources, loadSettings } from '../../src/monitor/index.js';

/** Files of a test's own directory, a watch that the test tells of changes, and a virtual clock. */
function world(files: Record<string, string>, patterns: readonly string[], own: readonly string[] = []) {
  const dir = mkdtempSync(join(tmpdir(), 'vurti-files-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'hosts.d'));
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  write(
    'vurti.yaml',
    JSON.stringify({ inventory: { files: patterns, hosts: own.map((name) => ({ name, address: name })) } }),
  );
  const time = new VirtualTime();
  const taken: Record<string, readonly string[]>[] = [];
  const failed: string[][] = [];
  const sources = new InventorySources({
    hosts: { list: () => [], put: () => ({}) as never, remove: () => undefined, leave: () => undefined },
    ...{ clock: time, scheduler: time, telemetry: silentTelemetry },
  });
  const record = (listed: readonly HostSource[]): void => {
    taken.push(
      Object.fromEntries(
        listed.map(({ id, hosts }) => [id.replace(`file:${dir}/`, ''), hosts.map(({ name }) => name)]),
      ),
    );
  };
  const take = sources.take.bind(sources);
  sources.take = (listed, options) => {
    record(listed);
    return take(listed, options);
  };
  sources.setFailed = (map) => void failed.push([...map.values()]);
  const watched = new Map<string, () => void>();
  const watch: WatchDirectory = (directory, changed) => {
    watched.set(directory.replace(dir, '.'), changed);
    return { close: () => void watched.delete(directory.replace(dir, '.')) };
  };
  const load = () => loadSettings({ file: join(dir, 'vurti.yaml'), env: {}, cwd: dir });
  const loaded = load();
  const followed = new HostFiles({
    ...{ loaded, env: {}, cwd: dir, sources, watch },
    ...{ clock: time, scheduler: time, telemetry: silentTelemetry },
  });
  sources.take(bySource(agentAccess(loaded).hosts, loaded.settings.inventory.files));
  followed.start();
  onTestFinished(() => followed.stop());
  const last = (): Record<string, readonly string[]> | undefined => taken.at(-1);
  const changed = async (ms = 500): Promise<void> => {
    for (const listener of [...watched.values()]) listener();
    await time.runFor(ms);
  };
  return { dir, write, time, taken, failed, watched, followed, load, last, changed };
}

const sd = (...names: string[]): string =>
  JSON.stringify([{ targets: names.map((name) => `${name}:54321`), labels: {} }]);

describe('files of hosts', () => {
  it('are read when their directory changes, once the writer is quiet', async () => {
    const w = world({ 'hosts.d/a.yaml': '- { name: a, address: a }' }, ['hosts.d/*.yaml'], ['own']);
    expect(w.taken).toEqual([{ settings: ['own'], 'hosts.d/*.yaml': ['a'] }]);
    expect([...w.watched.keys()]).toEqual(['./hosts.d']);
    w.write('hosts.d/b.yaml', '- { name: b, address: b }');
    await w.changed(400);
    await w.changed(400);
    expect(w.taken).toHaveLength(1);
    await w.time.runFor(100);
    expect(w.last()).toEqual({ settings: ['own'], 'hosts.d/*.yaml': ['a', 'b'] });
    // One that never is quiet is read nevertheless.
    w.write('hosts.d/b.yaml', '- { name: c, address: c }');
    for (let i = 0; i < 20; i++) await w.changed(300);
    expect(w.last()).toEqual({ settings: ['own'], 'hosts.d/*.yaml': ['a', 'c'] });
    // Nothing new is not taken again.
    const before = w.taken.length;
    await w.changed();
    expect(w.taken).toHaveLength(before);
  });

  it('are looked at from time to time where no change is told', async () => {
    const w = world({ 'a.json': sd('a') }, ['a.json']);
    w.write('a.json', sd('a', 'b'));
    await w.time.runFor(30_000);
    expect(w.last()).toEqual({ settings: [], 'a.json': ['a', 'b'] });
  });

  it.each([
    ['half-written', '[{"targets":["a:1",', /a\.json:1:\d+ {2}/],
    ['with a wrong host', '- { name: a }', /a\.json:1:3 {2}\[0\]\.address is missing/],
  ])('%s keep the hosts of the last good reading, and say why', async (_, text, fault) => {
    const w = world({ 'a.json': sd('a', 'b'), 'hosts.d/b.yaml': '- { name: c, address: c }' }, ['a.json', 'hosts.d/*']);
    w.write('a.json', text);
    w.write('hosts.d/b.yaml', '- { name: d, address: d }');
    await w.changed();
    expect(w.last()).toEqual({ settings: [], 'a.json': ['a', 'b'], 'hosts.d/*': ['d'] });
    expect(w.failed.at(-1)).toEqual([expect.stringMatching(fault)]);
    w.write('a.json', sd('a'));
    await w.changed();
    expect([w.last()?.['a.json'], w.failed.at(-1)]).toEqual([['a'], []]);
  });

  it('that are gone: one that is named keeps its hosts, one of a pattern loses them, the last one keeps them', async () => {
    const w = world({ 'a.json': sd('a'), 'hosts.d/b.json': sd('b'), 'hosts.d/c.json': sd('c') }, [
      'a.json',
      'hosts.d/*.json',
    ]);
    unlinkSync(join(w.dir, 'a.json'));
    unlinkSync(join(w.dir, 'hosts.d/b.json'));
    await w.changed();
    expect(w.last()).toEqual({ settings: [], 'a.json': ['a'], 'hosts.d/*.json': ['c'] });
    expect(w.failed.at(-1)).toEqual([expect.stringMatching(/^a\.json {2}cannot be read: ENOENT/)]);
    unlinkSync(join(w.dir, 'hosts.d/c.json'));
    await w.changed();
    expect(w.last()?.['hosts.d/*.json']).toEqual(['c']);
    expect(w.failed.at(-1)).toHaveLength(2);
    rmSync(join(w.dir, 'hosts.d'), { recursive: true });
    await w.changed();
    expect(w.last()?.['hosts.d/*.json']).toEqual(['c']);
  });

  it('replaced by a rename, or by a link that is swapped as ConfigMaps are, are the new ones', async () => {
    const w = world({ 'hosts.d/a.json': sd('a') }, ['hosts.d/a.json', 'map/hosts.json'].slice(0, 1));
    w.write('hosts.d/a.json.new', sd('b'));
    renameSync(join(w.dir, 'hosts.d/a.json.new'), join(w.dir, 'hosts.d/a.json'));
    await w.changed();
    expect(w.last()?.['hosts.d/a.json']).toEqual(['b']);

    for (const version of ['1', '2']) {
      mkdirSync(join(w.dir, `map/..${version}`), { recursive: true });
      w.write(`map/..${version}/hosts.json`, sd(`v${version}`));
    }
    symlinkSync('..1', join(w.dir, 'map/..data'));
    symlinkSync('..data/hosts.json', join(w.dir, 'map/hosts.json'));
    w.write('vurti.yaml', JSON.stringify({ inventory: { files: ['map/*.json'] } }));
    w.followed.changed(w.load());
    expect([...w.watched.keys()].sort()).toEqual(['./map', './map/..1']);
    symlinkSync('..2', join(w.dir, 'map/..data_tmp'));
    renameSync(join(w.dir, 'map/..data_tmp'), join(w.dir, 'map/..data'));
    await w.changed();
    expect(w.last()).toEqual({ settings: [], 'map/*.json': ['v2'] });
    expect([...w.watched.keys()].sort()).toEqual(['./map', './map/..2']);
  });

  it('with a host that another file lists already leave it there, and say so', async () => {
    const w = world({ 'a.json': sd('a'), 'b.json': sd('b') }, ['a.json', 'b.json'], ['own']);
    w.write('b.json', sd('b', 'a', 'own'));
    await w.changed();
    expect(w.last()).toEqual({ settings: ['own'], 'a.json': ['a'], 'b.json': ['b'] });
    expect(w.failed.at(-1)).toEqual([
      expect.stringMatching(/"a" is already listed \(a\.json\).*"own" is already listed/),
    ]);
  });

  it('are not followed any more after the stop, nor where none is named', async () => {
    const w = world({ 'a.json': sd('a') }, ['a.json']);
    w.write('vurti.yaml', '{}');
    w.followed.changed(w.load());
    expect([w.watched.size, [...w.time.waiting()]]).toEqual([0, []]);
    const x = world({ 'a.json': sd('a') }, ['a.json']);
    x.followed.stop();
    expect([x.watched.size, [...x.time.waiting()]]).toEqual([0, []]);
  });
});
