import { appendFileSync, writeSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { silentTelemetry, VirtualTime } from '../../../src/kernel/index.js';
import { ServerLog } from '../../../src/store/embedded/server-log.js';
import { temporaryFolder } from './folder.js';

const MiB = 1024 * 1024;

describe('ServerLog', () => {
  it('quotes the last lines of this start, not of an earlier one', async () => {
    const log = new ServerLog(join(await temporaryFolder(), 'server.log'));
    await writeFile(log.path, 'earlier\n');
    await log.withDescriptor((fd) => writeSync(fd, 'one\ntwo\n'));
    expect(await log.tail()).toBe('one\ntwo');
    appendFileSync(log.path, `${'x'.repeat(5000)}\n${Array.from({ length: 12 }, (_, i) => `line ${i}`).join('\n')}\n`);
    expect((await log.tail()).split('\n')).toEqual(Array.from({ length: 10 }, (_, i) => `line ${i + 2}`));
    expect(await readFile(log.path, 'utf8')).toMatch(/^earlier\none\n/);
  });

  it('has nothing to quote when there is no file', async () => {
    expect(await new ServerLog(join(await temporaryFolder(), 'server.log')).tail()).toBe('');
  });

  it('is kept small in place, while somebody writes to it', async () => {
    const log = new ServerLog(join(await temporaryFolder(), 'server.log'));
    const time = new VirtualTime();
    await writeFile(log.path, 'x'.repeat(5 * MiB));
    await log.withDescriptor(async (fd) => {
      writeSync(fd, 'y'.repeat(5 * MiB));
      log.keepSmall(time, silentTelemetry);
      const run = time.runFor(60_000);
      await expect.poll(async () => (await stat(log.path)).size).toBe(0);
      await run;
      expect((await stat(`${log.path}.1`)).size).toBe(5 * MiB);
    });
    await expect.poll(() => time.waiting().get('embedded-postgres-log')).toBe(1);
    log.close();
    expect(time.waiting().size).toBe(0);
  });
});
