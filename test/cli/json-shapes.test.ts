import { expect, it } from 'vitest';
import { shapeFaults } from '../server/api/shapes.js';
import { T0 } from '../server/fake-monitor.js';
import { Cli } from './harness.js';

/** What programs read of commands has the schemas of the API (schemas/v1). */
const commands: [string[], string][] = [
  [['status'], 'Status'],
  [['hosts'], 'HostList'],
  [['hosts', '--limit', '1'], 'HostList'],
  [['vms', '--status', 'Up,Paused'], 'VmList'],
  [['intents'], 'IntentList'],
  [['explain', 'vm', 'web-01'], 'Explanation'],
  [['explain', 'host', 'kvm-01'], 'Explanation'],
  [['poke', 'kvm-01'], 'Host'],
  [['hosts', 'maintenance', 'kvm-01', '--reason', 'disks'], 'Host'],
  [['hosts', 'activate', 'kvm-01'], 'Host'],
  [['hosts', 'add', 'kvm-09', '10.0.0.9'], 'Host'],
  [['hosts', 'remove', 'kvm-01', '--yes'], 'Host'],
  [['intents', 'ack', 'autoRun|vm-db-12|1'], 'Intent'],
];

function withSomething(): Cli {
  const cli = new Cli();
  const { monitor } = cli.service;
  const event = monitor.log.event('VM_PAUSED_ENOSPC', { vm: 'db-12', params: { vm: 'db-12' } });
  monitor.commands.begin('vm-web-01', 'shutdown');
  monitor.intentList = [
    {
      ...{ kind: 'intent', intent: 'autoRun', key: 'autoRun|vm-db-12|1', round: 0, since: T0, advisory: true },
      ...{ evidence: { tries: 1 }, time: T0, hostId: null, vmId: 'vm-db-12', clusterId: null, correlation: null },
      ...{ cause: event.cause, cursor: null },
    } as (typeof monitor.intentList)[number],
  ];
  return cli;
}

it.each(commands)('%j --json has the shape of the API', async (argv, kind) => {
  const { code, out, err } = await withSomething().run(...argv, '--json');
  expect([code, err]).toEqual([0, '']);
  const printed = JSON.parse(out) as { kind: string };
  expect([printed.kind, shapeFaults(printed)]).toEqual([kind, []]);
});

it('tail prints one event per line, each as in the API', async () => {
  const { code, out } = await withSomething().run('tail', '-o', 'ndjson');
  expect(code).toBe(0);
  const lines = out.trim().split('\n');
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(shapeFaults(JSON.parse(line), 'Event')).toEqual([]);
});
