import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProcess } from '../../../src/store/embedded/processes.js';
import { ask, inHaste, serversOf, start, startOwner, sweepAfter, temporaryFolder } from './support.js';

const pidFile = (folder: string): string => join(folder, 'postgresql', 'data', 'postmaster.pid');

describe('After a kill of the process that owns it', () => {
  it('a running server is taken over, with its data', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    const owner = await startOwner(folder);
    await ask(owner.said.url, "CREATE TABLE note AS SELECT 'kept' AS text");
    await owner.kill();

    const database = await start(folder);
    expect(database).toMatchObject({ adopted: true, pid: owner.said.pid, url: owner.said.url });
    expect(await ask(database.url, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
    await database.stop();
    expect(await serversOf(folder)).toEqual([]);
    expect([...database.time.waiting()]).toEqual([]);
  });

  it('sessions that outlived it are ended, so that they hold no lock', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    const owner = await startOwner(folder);
    const busy = ask(owner.said.url, 'SELECT pg_advisory_lock(1), pg_sleep(600)').catch((error: Error) => error);
    const waiting = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(600)'";
    while ((await ask(owner.said.url, waiting)).length === 0);
    await owner.kill();

    const database = await start(folder);
    expect(await busy).toMatchObject({ code: '57P01' });
    expect(await ask(database.url, 'SELECT pg_try_advisory_lock(1) AS free')).toEqual([{ free: true }]);
  });

  it('the end of a server that was taken over is told as well', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    await (await startOwner(folder)).kill();
    const database = await start(folder);
    process.kill(database.pid, 'SIGKILL');
    expect(await database.exited).toEqual({ code: null, signal: null });
    await database.stop();
    expect(await serversOf(folder)).toEqual([]);
  });

  it('a server with other settings is stopped and started anew', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    const owner = await startOwner(folder, { settings: { work_mem: '5MB' } });
    await owner.kill();
    const database = await start(folder, { settings: { work_mem: '6MB' } });
    expect(database.adopted).toBe(false);
    expect(database.pid).not.toBe(owner.said.pid);
    expect(await ask(database.url, "SELECT current_setting('work_mem') AS mem")).toEqual([{ mem: '6MB' }]);
  });

  it('and of the server, everything that was committed is there', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    const owner = await startOwner(folder);
    await ask(owner.said.url, 'CREATE TABLE number AS SELECT n FROM generate_series(1, 1000) AS n');
    process.kill(owner.said.pid, 'SIGKILL');
    await owner.kill();
    const database = await start(folder);
    expect(database.adopted).toBe(false);
    expect(await ask(database.url, 'SELECT count(*)::int AS n FROM number')).toEqual([{ n: 1000 }]);
  });

  it('a server that does not answer is ended and started anew', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    const owner = await startOwner(folder);
    await ask(owner.said.url, "CREATE TABLE note AS SELECT 'kept' AS text");
    await owner.kill();
    process.kill(owner.said.pid, 'SIGSTOP');
    const database = await start(folder, inHaste());
    expect(database.adopted).toBe(false);
    expect(await ask(database.url, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
    expect(await findProcess(owner.said.pid)).toBeUndefined();
  });

  it('a server that lost its postmaster.pid is found all the same', async () => {
    const folder = await temporaryFolder();
    sweepAfter(folder);
    const owner = await startOwner(folder);
    await owner.kill();
    await rm(pidFile(folder)); // It ends by itself when it notices, within a minute.
    const database = await start(folder, inHaste());
    expect(await findProcess(owner.said.pid)).toBeUndefined();
    await expect(ask(database.url, 'SELECT 1')).resolves.toHaveLength(1);
  });
});

describe('A postmaster.pid that was left', () => {
  it('does not stand in the way when its number belongs to another process now', async () => {
    const folder = await temporaryFolder();
    const first = await start(folder);
    const text = await readFile(pidFile(folder), 'latin1');
    await first.stop();
    // What a second container with the same volume leaves: a number that here is somebody of the server's own user.
    const [stranger] = await otherProcessOf(folder);
    await writeFile(pidFile(folder), text.replace(/^\d+/, String(stranger)));
    const second = await start(folder);
    expect(second.adopted).toBe(false);
    expect(second.pid).not.toBe(stranger);
    expect(() => process.kill(stranger as number, 0)).not.toThrow();
  });

  it('nor when it is not finished', async () => {
    const folder = await temporaryFolder();
    const first = await start(folder);
    await first.stop();
    await writeFile(pidFile(folder), '');
    await expect(start(folder)).resolves.toMatchObject({ adopted: false });
  });
});

/** A process of the user that runs the server: another server. */
async function otherProcessOf(folder: string): Promise<number[]> {
  const other = await start(join(folder, 'other'));
  return [other.pid];
}
