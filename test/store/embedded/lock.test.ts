import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../../src/kernel/index.js';
import { FolderLock } from '../../../src/store/embedded/lock.js';
import { processSpace } from '../../../src/store/embedded/processes.js';
import { temporaryFolder } from './folder.js';

const clock = new VirtualTime({ startAt: '2026-03-01T08:00:00Z' });

function acquire(folder: string, answers = async (): Promise<boolean> => true): Promise<FolderLock> {
  return FolderLock.acquire(join(folder, 'lock'), { folder, answers, clock });
}

describe('FolderLock', () => {
  it('is held until it is released', async () => {
    const folder = await temporaryFolder();
    const lock = await acquire(folder);
    expect(lock.wasStale).toBe(false);
    await expect(acquire(folder)).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: `${folder} is in use by process ${process.pid} since 2026-03-01T08:00:00.000Z`,
    });
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
    await expect(acquire(folder)).resolves.toMatchObject({ wasStale: false });
  });

  it('is not released for somebody who holds it since', async () => {
    const folder = await temporaryFolder();
    const first = await acquire(folder);
    await first.release();
    await acquire(folder);
    await first.release();
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('that is stale goes to exactly one of many who want it', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'lock');
    for (let round = 0; round < 20; round++) {
      const stale = {
        pid: process.pid,
        identity: 'an earlier process',
        space: await processSpace(),
        since: 0,
        token: '00112233445566ff',
      };
      await writeFile(path, JSON.stringify(stale));
      const tries = await Promise.allSettled(Array.from({ length: 20 }, () => acquire(folder)));
      const [won, ...others] = tries.filter((one) => one.status === 'fulfilled');
      expect(others).toEqual([]);
      expect(won?.value.wasStale).toBe(true);
      expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid, since: clock.now() });
      expect(await readdir(folder)).toEqual(['lock']);
    }
  });

  it('of another container is judged by whether its server answers', async () => {
    const folder = await temporaryFolder();
    const theirs = { pid: 7, identity: 'b/1', space: 'pid:[1]', since: clock.now(), token: '00112233445566ff' };
    await writeFile(join(folder, 'lock'), JSON.stringify(theirs));
    await expect(acquire(folder)).rejects.toMatchObject({
      code: 'ALREADY_RUNNING',
      message: `${folder} is in use by process 7 of another container since 2026-03-01T08:00:00.000Z`,
    });
    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toEqual(theirs);
    await expect(acquire(folder, async () => false)).resolves.toMatchObject({ wasStale: true });
  });

  it.each(['', '{}', '{"pid":1,"identity":"a","space":"","since":0,"token":"../../etc/passwd"}'])(
    'does not guess what %j means',
    async (text) => {
      const folder = await temporaryFolder();
      await writeFile(join(folder, 'lock'), text);
      await expect(acquire(folder)).rejects.toMatchObject({
        code: 'EMBEDDED_DATABASE',
      });
      expect(await readFile(join(folder, 'lock'), 'utf8')).toBe(text);
    },
  );
});
