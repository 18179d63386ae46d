import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../setup/database.js';
import { ensureBuilt, type Running, Vurti } from './vurti.js';

beforeAll(ensureBuilt);

/** Addresses at which nobody answers: what the hosts are is read from files, not from agents. */
const hostList = (...names: string[]): string =>
  names.map((name) => `- { name: ${name}, address: 127.0.0.1, port: 1, protocol: http }\n`).join('');

async function served(
  settings: string,
): Promise<{ v: Vurti; service: Running; write: (name: string, text: string) => void }> {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  // Intervals stand in the file here: the environment would win.
  const v = new Vurti({ DATABASE_URL: database.url, VURTI_POLL_INTERVAL_SECONDS: '', VURTI_POLL_DEADLINE_SECONDS: '' });
  onTestFinished(() => v.end());
  const write = (name: string, text: string): void => writeFileSync(join(v.dir, name), text);
  mkdirSync(join(v.dir, 'hosts.d'));
  write('hosts.d/lab.yaml', hostList('a', 'b', 'c', 'd'));
  write('vurti.yaml', settings);
  const service = v.start('serve');
  await v.run('wait', 'serving', '--timeout', '60');
  return { v, service, write };
}

const hostsOf = async (v: Vurti): Promise<string[]> =>
  (await v.run('hosts', '--no-headers', '-o', 'name')).out.trim().split('\n').sort();

describe('settings of a service that runs', () => {
  it('are read again at SIGHUP and by vurti reload; wrong ones change nothing and say why; SIGTERM ends it with 0', async () => {
    const { v, service, write } = await served('poll: { intervalSeconds: 15 }\n');
    write(
      'vurti.yaml',
      'poll: { intervalSeconds: 30 }\nserver: { maxEventStreams: 7 }\ninventory: { hosts: [{ name: x, address: 127.0.0.1, port: 1 }] }\n',
    );
    service.signal('SIGHUP');
    await service.said('poll.intervalSeconds: 15 → 30');
    await service.said('server.maxEventStreams: 2000 → 7');
    expect(await hostsOf(v)).toEqual(['host/x']);

    write('vurti.yaml', 'poll:\n  intervalSecond: 5\nmode: sleepy\n');
    service.signal('SIGHUP');
    await service.said('"where":"vurti.yaml:2:3"');
    await service.said('The settings are not taken over; nothing has changed');
    expect(await v.run('reload')).toEqual({
      code: 2,
      out: '',
      err: expect.stringMatching(
        /^CONFIG_UNKNOWN_KEY +vurti\.yaml:2:3 .*Did you mean poll\.intervalSeconds.*\nCONFIG_INVALID +vurti\.yaml:3:7 /,
      ) as string,
    });
    expect(await hostsOf(v)).toEqual(['host/x']);

    write(
      'vurti.yaml',
      'poll: { intervalSeconds: 20 }\ninventory: { hosts: [{ name: x, address: 127.0.0.1, port: 1 }, { name: y, address: 127.0.0.1, port: 2 }] }\n',
    );
    expect((await v.run('reload')).out).toBe(
      'vurti.yaml: read again, in force:\n  inventory.hosts       1 entry → 2 entries\n  poll.intervalSeconds  30 → 20\n  1 host added: y\n',
    );
    service.signal('SIGTERM');
    expect((await service.ended).code).toBe(0);
  });

  it('follow the files of hosts: new ones come, half-written ones harm nobody, halved ones remove nobody', async () => {
    const { v, service, write } = await served('inventory: { files: ["hosts.d/*.yaml"] }\n');
    expect(await hostsOf(v)).toEqual(['host/a', 'host/b', 'host/c', 'host/d']);
    write('hosts.d/.new', hostList('a', 'b', 'c', 'd', 'e'));
    renameSync(join(v.dir, 'hosts.d/.new'), join(v.dir, 'hosts.d/lab.yaml'));
    await service.said('"added":"e"');
    write('hosts.d/lab.yaml', '- { name: a, addr');
    await service.said('A source of hosts cannot be read; its hosts stay as they were');
    expect((await v.run('status')).out).toMatch(/WARNING +inventory +.*hosts\.d\/\*\.yaml cannot be read/);
    write('hosts.d/lab.yaml', hostList('a'));
    await service.said('Most hosts are missing from a source of the inventory; none of them is removed');
    expect(await hostsOf(v)).toHaveLength(5);
    write('hosts.d/lab.yaml', hostList('a', 'b', 'c', 'd'));
    await service.said('"leaving":"e"');
    expect((await v.run('tail', '--type', 'VDS_LEFT_INVENTORY')).out).toMatch(
      /e +is not listed in .*hosts\.d\/\*\.yaml any more/,
    );
    expect(await hostsOf(v)).toHaveLength(5);
  });
});
