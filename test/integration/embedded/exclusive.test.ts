import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { processSpace } from '../../../src/store/embedded/processes.js';
import { start, startOwner, sweepAfter, temporaryFolder } from './support.js';

const lockFile = (folder: string): string => join(folder, 'postgresql', 'lock');

describe('One process per data directory', () => {
  it('refuses a second one, naming the first', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    const owner = await startOwner(folder);
    const refused = await start(folder).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'ALREADY_RUNNING',
      details: { pid: owner.process.pid, folder: join(folder, 'postgresql') },
    });
    expect((refused as Error).message).toMatch(
      new RegExp(`is in use by process ${owner.process.pid} since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`),
    );
    await expect(owner.end()).resolves.toMatchObject({ stopped: true });
    await expect(start(folder)).resolves.toMatchObject({ adopted: false });
  });

  it('refuses a second start in the same process', async () => {
    const folder = await temporaryFolder();
    await start(folder);
    await expect(start(folder)).rejects.toMatchObject({ code: 'ALREADY_RUNNING', details: { pid: process.pid } });
  });

  it('lets exactly one of several win that start at once, after a kill too', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    await (await startOwner(folder)).kill();
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => start(folder)));
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const one of tries) {
      if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'ALREADY_RUNNING' });
    }
    const left = await readdir(join(folder, 'postgresql'));
    expect(left.filter((name) => name.startsWith('lock'))).toEqual(['lock']);
  });

  it.each([
    ['of a process that is gone', () => ({ pid: spawnSync('true').pid })],
    ['whose number belongs to another process now', () => ({ pid: process.ppid })],
    ['of our own number, from an earlier start of the container', () => ({ pid: process.pid })],
  ])('takes no notice of a lock %s', async (_, holder) => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'postgresql'));
    const space = await processSpace();
    const stale = { ...holder(), identity: 'before', space, since: 0, token: '0123456789abcdef' };
    await writeFile(lockFile(folder), JSON.stringify(stale));
    // One that was killed while it replaced the lock.
    await writeFile(
      `${lockFile(folder)}.after-${stale.token}`,
      JSON.stringify({ ...stale, token: 'fedcba9876543210' }),
    );
    await start(folder);
    expect(JSON.parse(await readFile(lockFile(folder), 'utf8'))).toMatchObject({ pid: process.pid });
    const names = await readdir(join(folder, 'postgresql'));
    expect(names.filter((name) => name.startsWith('lock'))).toEqual(['lock']);
  });

  it('says so when the lock is not one', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'postgresql'));
    await writeFile(lockFile(folder), 'garbage');
    await expect(start(folder)).rejects.toMatchObject({
      code: 'EMBEDDED_DATABASE',
      message: expect.stringContaining('is not a lock of vurti'),
    });
  });

  it('refuses when a server that cannot be seen uses the same volume', async () => {
    const folder = await temporaryFolder();
    const first = await start(folder);
    const home = join(folder, 'postgresql');
    const pidFile = join(home, 'data', 'postmaster.pid');
    const text = await readFile(pidFile, 'latin1');
    await first.stop();
    await writeFile(pidFile, text);
    const elsewhere = createServer().listen(join(home, 'socket', '.s.PGSQL.5432'));
    onTestFinished(() => void elsewhere.close());
    await expect(start(folder)).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: expect.stringContaining('cannot be seen'),
    });
    expect(await readFile(pidFile, 'latin1')).toBe(text); // That server would end if we touched it.
    await rm(pidFile);
  });
});
