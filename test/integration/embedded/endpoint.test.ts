import { chmod, lstat, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { ask, start, startOwner, sweepAfter, temporaryFolder } from './support.js';

/** Deeper than the name of a socket may be long. */
const deep = (folder: string): string => join(folder, 'a'.repeat(60), 'b'.repeat(60));

describe('Where the server listens', () => {
  it('is a private temporary folder if the path is too long for a socket', async () => {
    const folder = deep(await temporaryFolder());
    const database = await start(folder);
    const { host } = database.connection;
    expect(host).not.toContain(folder);
    expect(await readlink(join(folder, 'postgresql', 'socket'))).toBe(host);
    expect((await stat(host)).mode & 0o777).toBe(0o700);
    await ask(database.url, 'SELECT 1');
    await database.stop();
    await expect(stat(host)).rejects.toThrow('ENOENT');
    await expect(lstat(join(folder, 'postgresql', 'socket'))).rejects.toThrow('ENOENT');
  });

  it('is found again after a kill, and made anew when the temporary folder was removed', async () => {
    const folder = deep(await temporaryFolder());
    sweepAfter(folder);
    const owner = await startOwner(folder);
    await owner.kill();
    const database = await start(folder);
    expect(database).toMatchObject({ adopted: true, url: owner.said.url });
    await database.stop();
    await expect(start(folder)).resolves.toMatchObject({ adopted: false });
  });

  it('is the loopback address, with a password, where no socket can be', async () => {
    const folder = deep(await temporaryFolder());
    vi.stubEnv('TMPDIR', folder);
    const database = await start(folder);
    const { host, port, password } = database.connection;
    expect(host).toBe('127.0.0.1');
    expect(password).toMatch(/^[\w-]{32}$/);
    await ask(database.url, "CREATE TABLE note AS SELECT 'kept' AS text");
    await expect(ask(database.url.replace(`${password}`, 'guess'), 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
    await expect(ask(`postgresql://postgres@127.0.0.1:${port}/vurti`, 'SELECT 1')).rejects.toThrow();
    expect(await readFile(join(folder, 'postgresql', 'pg_hba.conf'), 'utf8')).toBe(
      'host all all 127.0.0.1/32 scram-sha-256\n',
    );
    await database.stop();

    // A folder may change from one kind to the other: it is moved, or comes from a backup.
    vi.unstubAllEnvs();
    const bySocket = await start(folder);
    expect(bySocket.connection.password).toBeUndefined();
    expect(await ask(bySocket.url, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
    await bySocket.stop();
    vi.stubEnv('TMPDIR', folder);
    const byTcp = await start(folder);
    expect(await ask(byTcp.url, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
  });

  it('by TCP too is taken over after a kill', async () => {
    const folder = deep(await temporaryFolder());
    sweepAfter(folder);
    vi.stubEnv('TMPDIR', folder);
    const owner = await startOwner(folder);
    await owner.kill();
    await expect(start(folder)).resolves.toMatchObject({ adopted: true, url: owner.said.url });
  });

  it('may have a name with anything in it', async () => {
    const folder = join(await temporaryFolder(), `it's "a", 50% ü`);
    const database = await start(folder);
    expect(database.connection.host).toBe(join(folder, 'postgresql', 'socket'));
    expect(await ask(database.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('leaves nothing among the temporary files', async () => {
    const folder = deep(await temporaryFolder());
    // A place of its own: other processes make temporary files as well.
    const place = await mkdtemp(join(tmpdir(), 'vurti-test-'));
    await chmod(place, 0o711);
    vi.stubEnv('TMPDIR', place);
    const database = await start(folder);
    expect(await readdir(place)).not.toEqual([]);
    await database.stop();
    expect(await readdir(place)).toEqual([]);
    await rm(place, { recursive: true });
  });
});
