import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findProcess, listByPs, listProcesses } from '../../../src/store/embedded/processes.js';

describe('findProcess', () => {
  it('finds this process, always the same', async () => {
    const found = await findProcess(process.pid);
    expect(found).toMatchObject({ pid: process.pid, parent: process.ppid, uid: process.geteuid?.() });
    expect((await findProcess(process.pid))?.identity).toBe(found?.identity);
    expect((await listProcesses()).map(({ pid }) => pid)).toContain(process.pid);
  });

  it('finds none under a number that is not in use, or is none', async () => {
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await once(child, 'exit');
    for (const pid of [child.pid ?? 0, 0, -1, 1.5, Number.NaN]) expect(await findProcess(pid)).toBeUndefined();
  });

  it('takes a zombie for gone, though it can still be signalled', async () => {
    // A program that does not know that it has a child never asks for its exit.
    const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await expect.poll(() => findProcess(pid)).toBeUndefined();
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect((await listProcesses()).map((found) => found.pid)).not.toContain(pid);
  });

  it('tells two processes apart that were started one after the other', async () => {
    const child = spawn('sleep', ['60']);
    onTestFinished(() => void child.kill('SIGKILL'));
    const [own, other] = await Promise.all([findProcess(process.pid), findProcess(child.pid ?? 0)]);
    expect(other).toMatchObject({ parent: process.pid });
    expect(other?.identity).not.toBe(own?.identity);
    await expect.poll(async () => (await findProcess(child.pid ?? 0))?.command).toBe('sleep 60');
  });

  it('has the same from ps as from /proc', async () => {
    const child = spawn('sleep', ['60']);
    onTestFinished(() => void child.kill('SIGKILL'));
    const pid = child.pid ?? 0;
    await expect.poll(async () => (await findProcess(pid))?.command).toBe('sleep 60');
    const [byPs] = await listByPs(['-p', String(pid)]);
    expect(byPs).toMatchObject({ pid, parent: process.pid, uid: process.geteuid?.(), command: 'sleep 60' });
    expect((await listByPs(['-ax'])).map((found) => found.pid)).toEqual(expect.arrayContaining([pid, process.pid]));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await listByPs(['-p', String(pid)])).toEqual([]);
  });
});
