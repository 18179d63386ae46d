import { describe, expect, it } from 'vitest';
import type { Intent } from '../../src/events/index.js';
import { T0 } from '../server/fake-monitor.js';
import { Cli } from './harness.js';

function intent(more: Partial<Intent> = {}): Intent {
  return {
    ...{
      kind: 'intent',
      intent: 'autoRun',
      key: 'autoRun:vm-web-01:-:1',
      round: 0,
      since: T0 - 60_000,
      advisory: false,
    },
    ...{ time: T0 - 60_000, hostId: null, vmId: 'vm-web-01', clusterId: null, correlation: null, cursor: 'e3.7' },
    cause: { rule: 'vm.down.error', source: { by: 'timer', at: T0 - 60_000 } },
    evidence: { exitStatus: 'Error' },
    ...more,
  };
}
const leftover = intent({
  ...{ intent: 'destroy', key: 'destroy:vm-db-12:id-kvm-02:2', vmId: 'vm-db-12', hostId: 'id-kvm-02', cursor: null },
  time: T0 - 3_600_000,
});

function cli(...intents: Intent[]): Cli {
  const made = new Cli();
  made.service.monitor.intentList = intents;
  return made;
}

describe('vurti intents', () => {
  it('lists what waits, oldest ground first, with its key', async () => {
    const { out, err, code } = await cli(leftover, intent()).run('intents');
    expect({ err, code }).toEqual({ err: '', code: 0 });
    expect(out.split('\n').map((line) => line.trimEnd().replaceAll(/ {2,}/g, ' | '))).toEqual([
      'ADVICE | ABOUT | HOST | FOR | RULE | KEY',
      'destroy | db-12 | kvm-02 | 1h | vm.down.error | destroy:vm-db-12:id-kvm-02:2',
      'autoRun | web-01 | - | 1m | vm.down.error | autoRun:vm-web-01:-:1',
      '2 of 2',
      '',
    ]);
  });

  it('says so when nothing waits', async () => {
    expect((await cli().run('intents')).out).toBe('No advice waits.\n');
  });

  it('says whose turn it is beside an engine', async () => {
    const { out } = await cli(intent({ advisory: true })).run('intents', 'list');
    expect(out).toContain('1 of 1   for information: beside an engine nobody acts on it');
  });

  it('what it advises, in the wide form; keys alone with -o name; the same as JSON as over HTTP', async () => {
    const made = cli(leftover, intent());
    expect((await made.run('intents', '-o', 'wide')).out).toContain('start it, anywhere.');
    expect((await made.run('intents', '-o', 'name')).out).toBe(
      'intent/destroy:vm-db-12:id-kvm-02:2\nintent/autoRun:vm-web-01:-:1\n',
    );
    const { json } = await made.service.get('/api/v1/intents');
    const answer = (await made.run('intents', '--json')).out;
    expect(JSON.parse(answer)).toEqual(json());
    expect(json()).toMatchObject({
      ...{ kind: 'IntentList', total: 2, matched: 2 },
      items: [
        { cursor: null, host: 'kvm-02', since: expect.stringMatching(/Z$/) },
        { cursor: 'e3.7', hostId: null },
      ],
    });
  });

  it.each([
    [['--type', 'destroy'], ['destroy']],
    [['--type', 'autorun,fence'], ['autoRun']],
    [['--host', 'kvm-02'], ['destroy']],
    [['--vm', 'web-01'], ['autoRun']],
    [['--limit', '1'], ['destroy']],
  ])('narrowed by %j', async (flags, kinds) => {
    const { out } = await cli(leftover, intent()).run('intents', ...flags, '--json');
    const { items } = JSON.parse(out) as { items: { intent: string }[] };
    expect(items.map((item) => item.intent)).toEqual(kinds);
  });

  it('a kind that does not exist is wrong use', async () => {
    const { code, err } = await cli().run('intents', '--type', 'destry');
    expect(code).toBe(2);
    expect(err).toContain('did you mean destroy?');
  });
});

describe('vurti intents ack', () => {
  it('takes a key, or a beginning that only one has, off the list', async () => {
    const made = cli(leftover, intent());
    const { out, code } = await made.run('intents', 'ack', 'auto');
    expect({ out, code }).toEqual({
      out: 'autoRun of web-01 is acknowledged: it is not delivered any more.\n',
      code: 0,
    });
    expect(made.service.monitor.calls).toEqual(['acknowledge autoRun:vm-web-01:-:1']);
    expect(made.requests.at(-1)).toBe('POST /api/v1/intents/auto/acknowledge');
    await made.run('intents', 'ack', 'destroy:vm-db-12:id-kvm-02:2');
    expect(made.service.monitor.intentList).toEqual([]);
  });

  it('a key that none or several have is 4, no token is refused', async () => {
    const two = cli(intent(), intent({ key: 'autoRun:vm-web-02:-:1' }));
    const unknown = await two.run('intents', 'ack', 'nothing');
    expect(unknown.code).toBe(4);
    expect(unknown.err).toContain('may have been acknowledged, or withdrawn');
    const ambiguous = await two.run('intents', 'ack', 'autoRun');
    expect(ambiguous.code).toBe(4);
    expect(ambiguous.err).toContain('autoRun:vm-web-01:-:1, autoRun:vm-web-02:-:1');
    expect(two.service.monitor.calls).toEqual([]);
    const stranger = await two.service.send('POST', '/api/v1/intents/autoRun/acknowledge', undefined, {
      authorization: 'Bearer nobody',
    });
    expect(stranger.statusCode).toBe(403);
  });
});
