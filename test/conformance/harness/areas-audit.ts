import { catalogue, type EventName, type EventRecord } from '../../../src/events/index.js';
import { FakeFetcher } from '../../../src/fetcher/index.js';
import { seconds } from '../../../src/kernel/index.js';
import { Outbox } from '../../../src/updater/outbox.js';
import { type AreaRunner, type ConformanceCase, type Failures, listOf, show, textOf } from './case.js';
import { sameOutcome } from './expectations.js';
import { reportedVm } from './vm-facts.js';
import { World } from './world.js';

const HOST = 'H1';
const VM = 'V1';

/** Flood control, and the event beside a pause (area audit). */
export const runAudit: AreaRunner = async (c, failures) => {
  const raised = raisedEvents(c);
  const host = typeof c.given['host'] === 'string' ? c.given['host'] : HOST;
  const hosts = new Set([host, ...entitiesOf(raised, 'host')]);
  const vms = [VM, ...entitiesOf(raised, 'vm')];
  const agents = new FakeFetcher();
  for (const name of hosts) {
    const own = name === host ? vms : [];
    agents.host(name, { cluster: 'C1', vms: Object.fromEntries(own.map((vm) => [vm, { status: 'Up' } as const])) });
  }
  // The cases are about flood times alone: events of a value that flaps would be held back for another reason.
  const world = await World.make({
    agents,
    settings: { flap: { changes: 0 } },
    options: { hosts: agents.inventory().hosts, vms: agents.inventory().vms },
  });
  try {
    for (const name of hosts) await world.poke(name);
    world.forget();
    await raise(world, host, raised);
    if (c.reported['pauseStatus'] !== undefined) await pause(world, host, c.reported['pauseStatus']);
    check(world, c, failures);
  } finally {
    await world.stop();
  }
};

interface Raised {
  readonly name: EventName;
  readonly second: number;
  readonly entity: string | null;
  readonly customId: string | null;
}

function raisedEvents(c: ConformanceCase): readonly Raised[] {
  return listOf(c.reported['events']).map((entry) => {
    const [name, second, entity, customId] = listOf(entry);
    const text = (value: unknown): string | null => (value === undefined || value === null ? null : textOf(value));
    return { name: textOf(name) as EventName, second: Number(second), entity: text(entity), customId: text(customId) };
  });
}

function entitiesOf(raised: readonly Raised[], about: 'host' | 'vm'): string[] {
  return raised.flatMap(({ name, entity }) => (entity !== null && catalogue[name].about === about ? [entity] : []));
}

/** As the updaters do: made by the RecordMaker, sent by an Outbox. */
async function raise(world: World, host: string, raised: readonly Raised[]): Promise<void> {
  const [sets, records, ports] = [world.part('sets'), world.part('records'), world.part('ports')];
  const from = world.clock.now();
  for (const { name, second, entity, customId } of raised) {
    await world.clock.runFor(from + seconds(second) - world.clock.now());
    const isVm = catalogue[name].about === 'vm';
    const about = {
      host: sets.hosts.get(isVm ? host : (entity ?? host)),
      vm: isVm ? sets.vms.get(entity ?? VM) : undefined,
    };
    const now = world.clock.now();
    const draft = { name, params: { second: String(second) }, ...(customId === null ? {} : { customId }) };
    const outbox = new Outbox(ports);
    outbox.record(records.event(about, draft, { rule: 'case', source: { by: 'timer', at: now } }, now));
    outbox.send();
  }
}

async function pause(world: World, host: string, pauseStatus: unknown): Promise<void> {
  world.agents.on(host).with(VM, reportedVm({ status: 'Paused', pauseStatus }, { status: 'Up' }));
  await world.poke(host);
}

function check(world: World, c: ConformanceCase, failures: Failures): void {
  const { expect } = c;
  const events = world.spy.records.filter((record): record is EventRecord => record.kind === 'event');
  const stored = events.filter((event) => event.params['second'] !== undefined);
  const expectSame = (key: string, got: unknown): void => {
    if (!(key in expect) || sameOutcome(expect[key], got)) return;
    failures.push(`${key}: expected ${show(expect[key])}, got ${show(got)}`);
  };
  expectSame('stored', stored.length);
  expectSame(
    'storedAtSec',
    stored.map((event) => Number(event.params['second'])),
  );
  if (!('extraEvent' in expect)) return;
  const beside = events.filter((event) => event.vmId === VM && event.name !== 'VM_PAUSED').map((event) => event.name);
  if (!events.some((event) => event.name === 'VM_PAUSED')) failures.push('VM_PAUSED is missing');
  expectSame('extraEvent', beside.length > 1 ? beside : (beside[0] ?? null));
}
