import { describe, expect, it } from 'vitest';
import { Systemd } from '../../src/cli/serve/systemd.js';
import { silentTelemetry, VirtualTime } from '../../src/kernel/index.js';

function world(env: Record<string, string>) {
  const time = new VirtualTime();
  const sent: string[] = [];
  const said: string[] = [];
  const systemd = new Systemd({
    env,
    scheduler: time,
    telemetry: {
      ...silentTelemetry,
      log: (_, message, fields) => void said.push(`${message}: ${String(fields?.['error'])}`),
    },
    notify: (words, failed) => {
      sent.push(words.join(' '));
      if (env['BROKEN'] !== undefined) failed(new Error('ENOENT'));
    },
  });
  return { time, sent, said, systemd };
}

describe('systemd', () => {
  it('is told when the service serves, that its loop turns, and that it stops', async () => {
    const { time, sent, systemd } = world({ NOTIFY_SOCKET: '/run/x', WATCHDOG_USEC: '60000000' });
    systemd.ready('3 hosts');
    await time.runFor(65_000);
    systemd.stopping();
    await time.runFor(600_000);
    expect(sent).toEqual(['READY=1 STATUS=3 hosts', 'WATCHDOG=1', 'WATCHDOG=1', 'STOPPING=1']);
    expect([...time.waiting()]).toEqual([]);
  });

  it('is told nothing where it is not there, and a failure is said', async () => {
    const none = world({ WATCHDOG_USEC: '60000000' });
    none.systemd.ready('x');
    none.systemd.stopping();
    expect([none.sent, [...none.time.waiting()]]).toEqual([[], []]);
    const broken = world({ NOTIFY_SOCKET: '/run/x', BROKEN: '1' });
    broken.systemd.ready('x');
    expect(broken.said).toEqual(['systemd could not be told: ENOENT']);
  });
});
