import { describe, expect, it } from 'vitest';
import { VirtualTime } from '../../src/kernel/index.js';
import { CommandBook } from '../../src/updater/index.js';

const setup = () => {
  const time = new VirtualTime();
  return { time, book: new CommandBook(time) };
};

describe('CommandBook', () => {
  it('knows nothing of a VM that nobody works on', () => {
    expect(setup().book.of('v1')).toEqual({
      ...{ busy: false, changedAt: null, asyncRunning: false, coldReboot: false, inPowerOffWindow: false },
    });
  });

  it.each(['snapshot', 'destroy', 'stop', 'anything'])('a VM is busy while a command works on it: %s', (command) => {
    const { book } = setup();
    book.begin('v1', command);
    expect(book.of('v1')).toMatchObject({ busy: true, asyncRunning: false });
    expect(book.of('v2').busy).toBe(false);
    book.end('v1', command);
    expect(book.of('v1').busy).toBe(false);
  });

  it.each(['start', 'run', 'migrate'])(
    'a command that waits for the VM’s own reports does not keep them out: %s',
    (command) => {
      const { book } = setup();
      book.begin('v1', command);
      expect(book.of('v1')).toMatchObject({ busy: false, asyncRunning: true });
      book.end('v1', command);
      // It has changed nothing itself, so older questions need not lose against it.
      expect(book.of('v1')).toMatchObject({ asyncRunning: false, changedAt: null });
    },
  );

  it('remembers when a command ended: older questions lose against it', async () => {
    const { time, book } = setup();
    await time.runFor(500);
    book.begin('v1', 'snapshot');
    expect(book.of('v1').changedAt).toBeNull();
    await time.runFor(200);
    book.end('v1', 'snapshot');
    await time.runFor(50);
    expect(book.of('v1').changedAt).toBe(700);
  });

  it('counts: busy until the last of several commands ends', () => {
    const { book } = setup();
    for (const command of ['snapshot', 'snapshot', 'disk']) book.begin('v1', command);
    book.end('v1', 'snapshot');
    book.end('v1', 'disk');
    expect(book.of('v1').busy).toBe(true);
    book.end('v1', 'snapshot');
    expect(book.of('v1').busy).toBe(false);
  });

  it('says whether a forced stop was sent within the last 20 s', async () => {
    const { time, book } = setup();
    book.begin('v1', 'destroy');
    expect(book.of('v1').inPowerOffWindow).toBe(false);
    book.end('v1', 'destroy');
    await time.runFor(20_000);
    expect(book.of('v1').inPowerOffWindow).toBe(true);
    await time.runFor(1);
    expect(book.of('v1').inPowerOffWindow).toBe(false);
  });

  it('lets a waiting command go when it has what it waited for, and no other one', () => {
    const { book } = setup();
    for (const command of ['start', 'migrate', 'snapshot']) book.begin('v1', command);
    book.settled('v1');
    expect(book.of('v1')).toMatchObject({ asyncRunning: false, busy: true });
    book.end('v1', 'start');
    expect(book.of('v1')).toMatchObject({ asyncRunning: false, busy: true });
  });

  it('holds a cold reboot until it was advised', () => {
    const { book } = setup();
    book.expectColdReboot('v1');
    expect(book.of('v1').coldReboot).toBe(true);
    book.coldRebootQueued('v1');
    expect(book.of('v1').coldReboot).toBe(false);
  });

  it('takes external data as kept unless it was told otherwise', () => {
    const { book } = setup();
    expect(book.externalDataKept('v1')).toBe(true);
    book.noteExternalData('v1', false);
    expect([book.externalDataKept('v1'), book.externalDataKept('v2')]).toEqual([false, true]);
    book.noteExternalData('v1', true);
    expect(book.externalDataKept('v1')).toBe(true);
  });

  it('does nothing for VMs that it does not know', () => {
    const { book } = setup();
    book.end('v1', 'snapshot');
    book.settled('v1');
    book.coldRebootQueued('v1');
    expect(book.of('v1').changedAt).toBeNull();
  });

  it('counts a command as ended when its time is over, and says so', async () => {
    const time = new VirtualTime();
    const expired: string[] = [];
    const book = new CommandBook(time, (vmId, command) => expired.push(`${vmId} ${command}`));
    book.begin('v1', 'snapshot', { ttlSeconds: 60 });
    book.begin('v1', 'start', { ttlSeconds: 90 });
    await time.runFor(59_999);
    expect(book.of('v1')).toMatchObject({ busy: true, asyncRunning: true });
    await time.runFor(10_000);
    // What was asked for before its time was over may be older than what it did.
    expect(book.of('v1')).toMatchObject({ busy: false, asyncRunning: true, changedAt: 60_000 });
    await time.runFor(30_000);
    expect(book.of('v1')).toMatchObject({ asyncRunning: false, changedAt: 60_000 });
    expect(expired).toEqual(['v1 snapshot', 'v1 start']);
  });

  it('gives the time of the last one that began', async () => {
    const { time, book } = setup();
    book.begin('v1', 'snapshot', { ttlSeconds: 60 });
    await time.runFor(50_000);
    book.begin('v1', 'snapshot', { ttlSeconds: 60 });
    await time.runFor(50_000);
    expect(book.of('v1').busy).toBe(true);
    await time.runFor(10_000);
    expect(book.of('v1').busy).toBe(false);
  });

  it.each([
    ['snapshot', 600],
    ['migrate', 21_600],
  ])('has a time for each command: %s', async (command, seconds) => {
    const { time, book } = setup();
    book.begin('v1', command);
    await time.runFor(seconds * 1000 - 1);
    expect(Object.values(book.of('v1'))).toContain(true);
    await time.runFor(1);
    expect(Object.values(book.of('v1'))).not.toContain(true);
  });

  it('keeps nothing that cannot matter any more', async () => {
    const { time, book } = setup();
    book.begin('v1', 'snapshot');
    book.end('v1', 'snapshot');
    book.expectColdReboot('v2');
    await time.runFor(3_600_001);
    for (const vmId of ['v1', 'v2']) book.of(vmId);
    expect(book.size).toBe(1);
    expect(book.of('v2').coldReboot).toBe(true);
  });

  it('forgets', () => {
    const { book } = setup();
    book.begin('v1', 'snapshot');
    book.expectColdReboot('v1');
    book.forget('v1');
    expect(book.of('v1')).toMatchObject({ busy: false, coldReboot: false });
  });
});
