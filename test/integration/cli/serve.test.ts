import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { ensureBuilt, Vurti } from './vurti.js';

beforeAll(ensureBuilt);

const made: Vurti[] = [];
function vurti(env?: Record<string, string>): Vurti {
  const one = new Vurti(env);
  made.push(one);
  return one;
}
afterEach(async () => {
  await Promise.all(made.splice(0).map((one) => one.end()));
});

const demo = ['serve', '--demo', '--hosts', '3', '--vms', '12'];
const postgresRuns = (v: Vurti): boolean => existsSync(join(v.dir, 'data', 'postgresql', 'data', 'postmaster.pid'));

describe('vurti serve --demo', () => {
  it('answers before its database is there, serves, and ends cleanly', async () => {
    const v = vurti();
    const service = v.start(...demo);
    await service.said('API answers');
    expect(await v.run('wait', 'serving', '--timeout', '40')).toMatchObject({ code: 0, out: '' });
    expect(await v.run('wait', 'synced', '--timeout', '40')).toMatchObject({ code: 0 });

    const status = JSON.parse((await v.run('status', '--json')).out) as object;
    expect(status).toMatchObject({
      kind: 'Status',
      readiness: 'synced',
      hosts: { total: 3 },
      vms: { total: 12 },
      database: { kind: 'postgres' },
    });
    expect((await v.run('vms', '-o', 'name')).out.match(/^vm\/.+$/gm)).toHaveLength(12);
    expect((await v.run('hosts', '--no-headers')).out.split('\n')).toHaveLength(4);
    expect((await v.run('tail', '--type', 'VDS_DETECTED', '-o', 'ndjson')).out.trimEnd().split('\n')).toHaveLength(3);
    expect((await v.run('explain', 'host', 'kvm-01')).out).toMatch(
      /^kvm-01 is \w+ for .*\n\nWhy {8}.+\nRule {7}host\./,
    );
    expect((await v.run('poke', 'kvm-02')).out).toBe('kvm-02 is asked now.\n');

    const second = await v.run(...demo);
    expect([second.code, second.err]).toEqual([
      2,
      expect.stringMatching(
        /ALREADY_RUNNING +Data directory data is in use by vurti \(pid \d+, since \d\d:\d\d\)\. Use it: vurti status\. Or another one: --data-dir\.\n/,
      ),
    ]);

    service.signal('SIGTERM');
    expect((await service.ended).code).toBe(0);
    expect(postgresRuns(v)).toBe(false);
    expect(existsSync(join(v.dir, 'data', 'service.json'))).toBe(false);
    expect(await v.run('status')).toMatchObject({ code: 3, err: expect.stringContaining('SERVICE_UNREACHABLE') });
  });

  it('is followed through a restart, with nothing missed and nothing twice', async () => {
    const v = vurti();
    const first = v.start(...demo);
    await first.said('synced');
    const tail = v.start('tail', '-f', '-n', 'all', '-o', 'ndjson', '--cursor-file', 'seen');
    await tail.said('VDS_DETECTED');
    first.signal('SIGINT');
    expect((await first.ended).code).toBe(0);
    await tail.said('waiting for the service');

    const next = v.start(...demo);
    await tail.said('service restarted; resumed after e');
    await next.said('synced');
    const head = (JSON.parse((await v.run('tail', '-n', '1', '--json')).out) as { cursor: string }).cursor;
    await tail.said(`"cursor":"${head}"`);
    tail.signal('SIGINT');
    const followed = await tail.ended;
    expect(followed.code).toBe(130);
    expect(followed.err).toMatch(
      /^-- .* connection lost; waiting for the service --\n-- .* service restarted; resumed after e\d+\.\d+, nothing missed --\n$/,
    );

    const cursors = (text: string): string[] =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { cursor: string }).cursor);
    const all = cursors((await v.run('tail', '--after-cursor', 'oldest', '-o', 'ndjson')).out);
    const seen = cursors(followed.out);
    expect(seen).toEqual(all.slice(0, seen.length));
    expect(readFileSync(join(v.dir, 'seen'), 'utf8')).toMatch(/^e\d+\.\d+\n$/);
  });

  it('leaves nothing behind when it is stopped while it starts', async () => {
    const v = vurti();
    const service = v.start(...demo);
    await service.said('API answers');
    service.signal('SIGINT');
    const { code, err } = await service.ended;
    expect([code, err]).toEqual([0, expect.not.stringContaining('"level":"error"')]);
    expect(postgresRuns(v)).toBe(false);
    // The same directory serves again.
    const again = v.start(...demo);
    await again.said('synced');
  });

  it('asks its fleet over HTTP where it is told so', async () => {
    const v = vurti();
    const service = v.start(...demo, '--protocol', 'http');
    await service.said('HTTP');
    await service.said('3/3 hosts answered');
    service.signal('SIGINT');
    expect((await service.ended).code).toBe(0);
  });

  it('starts over with another fleet', async () => {
    const v = vurti();
    const first = v.start(...demo);
    await first.said('synced');
    first.signal('SIGTERM');
    await first.ended;
    const other = v.start('serve', '--demo', '--hosts', '2', '--vms', '5', '--seed', '7');
    await other.said('synced');
    expect(JSON.parse((await v.run('status', '--json')).out)).toMatchObject({ hosts: { total: 2 }, vms: { total: 5 } });
  });
});

describe('vurti serve', () => {
  it('keeps hosts that were added, in the database of DATABASE_URL, for the owner of the token', async () => {
    const v = vurti({ DATABASE_URL: inject('databaseUrl'), VURTI_DATABASE_SCHEMA: 'cli_test' });
    const service = v.start('serve');
    await service.said('no hosts yet');
    expect(await v.run('hosts', 'add', 'lab-01', '127.0.0.1', '--port', '9', '--cluster', 'lab')).toMatchObject({
      code: 0,
      out: 'lab-01 added to cluster lab: 127.0.0.1:9 is asked from now on.\n',
    });
    expect(await v.run('hosts', 'add', 'lab-01', 'x')).toMatchObject({
      code: 1,
      err: expect.stringContaining('ALREADY_EXISTS'),
    });
    expect(await v.run('hosts', 'maintenance', 'lab-01', '--reason', 'new disks')).toMatchObject({ code: 0 });
    const stranger = await v.shell('VURTI_TOKEN=wrong vurti hosts remove lab-01 --yes');
    expect([stranger.code, stranger.err]).toEqual([5, expect.stringContaining('FORBIDDEN')]);

    service.signal('SIGTERM');
    expect((await service.ended).code).toBe(0);
    expect(postgresRuns(v)).toBe(false);
    const again = v.start('serve');
    await again.said('1 hosts, 0 VMs known');
    expect((await v.run('hosts', '--no-headers')).out).toMatch(/^lab-01 +Maintenance /);
    expect(await v.run('hosts', 'remove', 'lab-01', '--yes')).toMatchObject({ code: 0 });
  });

  it.each([
    ['VDSM over TLS', ['--tls', 'pki']],
    ['HTTP', ['--protocol', 'http']],
  ])('serves the agents of vurti simulate by the settings that it wrote: %s', async (_, flags) => {
    const v = vurti();
    const fleet = v.start('simulate', '--hosts', '2', '--vms', '6', '--write', 'lab.yaml', ...flags);
    await fleet.said('Ctrl-C stops');
    if (flags.includes('--tls')) {
      expect(statSync(join(v.dir, 'pki', 'client.key')).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(v.dir, 'lab.yaml'), 'utf8')).toMatch(/caFile: "pki\/ca\.pem"(.|\n)*protocol: vdsm }/);
    }
    expect((await v.run('config', 'check', '--config', 'lab.yaml')).out).toBe(
      'lab.yaml: good. mode observer, 2 hosts.\n',
    );
    const service = v.start('serve', '--config', 'lab.yaml');
    await service.said('2/2 hosts answered');
    // Adopted from reports: nobody has told of them.
    expect(JSON.parse((await v.run('vms', '--json')).out)).toMatchObject({
      items: expect.arrayContaining([expect.objectContaining({ adopted: true, status: 'Up' })]),
    });
    fleet.signal('SIGINT');
    expect((await fleet.ended).code).toBe(0);
  });
});

it('vurti doctor --all asks more hosts than Node.js likes listeners, and says nothing of that', async () => {
  const v = vurti();
  const fleet = v.start('simulate', '--hosts', '16', '--vms', '16', '--faults', 'none', '--write', 'lab.yaml');
  await fleet.said('Ctrl-C stops');
  const { code, out, err } = await v.run('doctor', '--all', '--config', 'lab.yaml');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^0 of 16 hosts failed$/m);
});

describe('pipes', () => {
  it('may close early', async () => {
    const v = vurti();
    const service = v.start('serve', '--demo', '--hosts', '3', '--vms', '300');
    await service.said('synced');
    const { code, out, err } = await v.shell(
      'set -o pipefail; for i in 1 2 3 4 5; do vurti vms -o json; done | head -n 1',
    );
    expect([out, err]).toEqual(['{\n', '']);
    expect(code).toBe(0);
  });
});
