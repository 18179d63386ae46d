import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VurtiError } from '../../../src/kernel/index.js';
import { ask, isRoot, serversOf, start, startOwner, temporaryFolder } from './support.js';

describe('EmbeddedPostgres', () => {
  it('starts in an empty folder, with a database that its role owns', async () => {
    const database = await start(await temporaryFolder());
    expect(database).toMatchObject({ adopted: false, connection: { user: 'vurti', database: 'vurti' } });
    await ask(database.url, 'CREATE SCHEMA vurti; CREATE TABLE vurti.host (name text)');
    const [row] = await ask(
      database.url,
      `SELECT current_user AS me, pg_get_userbyid(datdba) AS owner, rolsuper AS super, rolcreatedb AS creates,
         pg_encoding_to_char(encoding) AS encoding, datlocprovider AS provider
       FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user`,
    );
    expect(row).toEqual({
      me: 'vurti',
      owner: 'vurti',
      super: false,
      creates: true,
      encoding: 'UTF8',
      provider: 'b',
    });
  });

  it('keeps full durability unless told otherwise', async () => {
    const database = await start(await temporaryFolder());
    const [row] = await ask(
      database.url,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
         current_setting('full_page_writes') AS pages, current_setting('data_checksums') AS checksums`,
    );
    expect(row).toEqual({ fsync: 'on', commit: 'on', pages: 'on', checksums: 'on' });
  });

  it('leaves no process, no timer and no lock after stop', async () => {
    const folder = await temporaryFolder();
    const database = await start(folder);
    expect(await serversOf(folder)).toContain(database.pid);
    await Promise.all([database.stop(), database.stop()]);
    expect(await serversOf(folder)).toEqual([]);
    expect(() => process.kill(database.pid, 0)).toThrow('ESRCH'); // Not even a zombie.
    expect([...database.time.waiting()]).toEqual([]);
    await expect(stat(join(folder, 'postgresql', 'lock'))).rejects.toThrow('ENOENT');
  });

  it('lets its process end by itself after stop', async () => {
    const owner = await startOwner(await temporaryFolder());
    expect(await owner.end()).toEqual({ stopped: true, timers: [] });
    expect(owner.process.exitCode).toBe(0);
  });

  it('keeps the data from one start to the next', async () => {
    const folder = await temporaryFolder();
    const first = await start(folder);
    await ask(first.url, "CREATE TABLE note AS SELECT 'kept' AS text");
    await first.stop();
    const second = await start(folder);
    expect(second.adopted).toBe(false);
    expect(second.url).toBe(first.url);
    expect(await ask(second.url, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
  });

  it('completes a first start that was killed before the database was there', async () => {
    const folder = await temporaryFolder();
    const first = await start(folder);
    const admin = first.url.replace('vurti@', 'postgres@').replace('/vurti?', '/template1?');
    await ask(
      admin,
      'ALTER DATABASE vurti OWNER TO postgres; ALTER DATABASE vurti RENAME TO postgres; DROP ROLE vurti',
    );
    await first.stop();
    const second = await start(folder);
    await ask(second.url, 'CREATE SCHEMA vurti');
    // And should neither be there:
    await ask(admin, 'DROP DATABASE vurti WITH (FORCE)');
    await second.stop();
    const third = await start(folder);
    await ask(third.url, 'CREATE SCHEMA vurti');
    expect(await ask(third.url, 'SELECT datname FROM pg_database WHERE NOT datistemplate')).toEqual([
      { datname: 'vurti' },
    ]);
  });

  it('tells of a server that ends by itself, and recovers at the next start', async () => {
    const folder = await temporaryFolder();
    const first = await start(folder);
    await ask(first.url, "CREATE TABLE note AS SELECT 'kept' AS text");
    process.kill(first.pid, 'SIGKILL');
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await first.stop();
    expect(await serversOf(folder)).toEqual([]);
    const second = await start(folder);
    expect(await ask(second.url, 'SELECT text FROM note')).toEqual([{ text: 'kept' }]);
  });

  it('does not settle `exited` after stop', async () => {
    const database = await start(await temporaryFolder());
    let settled = false;
    void database.exited.then(() => {
      settled = true;
    });
    await database.stop();
    await new Promise((resolve) => setImmediate(resolve));
    expect(settled).toBe(false);
  });

  it('runs in a session of its own, so that Ctrl-C does not reach it', async () => {
    const database = await start(await temporaryFolder());
    // Signals of a terminal go to a process group; the group of a leader has its own number.
    expect(() => process.kill(-database.pid, 0)).not.toThrow();
  });

  it('takes settings, and refuses those that would take the server out of its hands', async () => {
    const folder = await temporaryFolder();
    const database = await start(folder, { settings: { work_mem: '5MB', 'vurti.note': "it's here" } });
    const sql = "SELECT current_setting('work_mem') AS mem, current_setting('vurti.note') AS note";
    expect(await ask(database.url, sql)).toEqual([{ mem: '5MB', note: "it's here" }]);
    await database.stop();
    for (const settings of [{ listen_addresses: '*' }, { Port: '1' }, { 'a b': '1' }, { work_mem: "1'\nport = 1" }]) {
      await expect(start(folder, { settings })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    }
  });

  it('lets nobody in by TCP, and by the socket only its user', async () => {
    const folder = await temporaryFolder();
    const database = await start(folder);
    const home = join(folder, 'postgresql');
    expect((await stat(join(home, 'socket'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(home, 'data'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(home, 'password'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(home, 'postgresql.conf'), 'utf8')).toContain("listen_addresses = ''");
    expect(await readFile(join(home, 'pg_hba.conf'), 'utf8')).toBe('local all all peer map=vurti\n');
    const stranger = database.url.replace('vurti@', 'pg_monitor@');
    await expect(ask(stranger, 'SELECT 1')).rejects.toMatchObject({ code: '28000' });
  });

  it.runIf(isRoot)('gives the server only its own folders', async () => {
    const folder = await temporaryFolder();
    await start(folder);
    const owner = async (name: string): Promise<number> => (await stat(join(folder, 'postgresql', name))).uid;
    expect(await owner('data')).not.toBe(0);
    expect(await owner('socket')).toBe(await owner('data'));
    for (const ours of ['.', 'postgresql.conf', 'pg_hba.conf', 'lock', 'server.log']) expect(await owner(ours)).toBe(0);
  });

  it('is an error of its own kind when it fails', async () => {
    await expect(start('/dev/null/vurti')).rejects.toBeInstanceOf(VurtiError);
    await expect(start('/dev/null/vurti')).rejects.toMatchObject({ code: 'EMBEDDED_DATABASE' });
  });
});
