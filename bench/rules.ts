/**
 * What a VM's report costs once it is decoded: the comparison at the adapter, `decideVm` alone, and the whole step of the
 * updaters up to the committer. CPU µs and bytes allocated per VM.
 */
import { ParsedVmStatsReport } from '../src/fetcher/decode/vm-stats-report.js';
import { parseJson } from '../src/fetcher/json.js';
import { seconds, VirtualTime } from '../src/kernel/index.js';
import type { EvidenceStamp, HostEndpoint, VmStatsReport } from '../src/model/index.js';
import { decideVm, type VmCase } from '../src/rules/index.js';
import { Fleet } from '../src/simulator/index.js';
import { allocationOf } from './support/allocation.js';
import { Core } from './support/core.js';
import { readFlags } from './support/flags.js';
import { bodyOf } from './support/fleet.js';
import { remembered } from './support/remembered.js';
import { type Figures, Report } from './support/report.js';
import { type Contender, compare } from './support/rounds.js';

const { flags, json } = readFlags({
  hosts: { value: 4, doc: 'hosts of the fleet' },
  vms: { value: 50, doc: 'VMs per host' },
  polls: { value: 10, doc: 'polls of each host per round' },
  rounds: { value: 11, doc: 'rounds; the median counts' },
});

/** decideVm alone changes nothing: the same cases are decided so often, for a round that is long enough. */
const REPEATED = 10;

/** One host's answer, all of it decoded already. */
interface Answer {
  readonly host: string;
  readonly report: VmStatsReport;
  /** A reader with memory reads it: what its reports say from now on. */
  readonly next?: () => void;
}

/** Answers of all hosts, poll by poll: the first is there to be adopted, the others are measured. */
type Polls = readonly (readonly Answer[])[];

interface Subject {
  readonly name: string;
  readonly polls: Polls;
  readonly what: 'compare' | 'decide' | 'step';
}

const unchanged = await poll('nothing');
const statistics = await poll('statistics');
const status = await poll('status');
const subjects: readonly Subject[] = [
  { name: 'comparison with the repository: unchanged', polls: unchanged, what: 'compare' },
  { name: 'comparison with the repository: statistics only', polls: statistics, what: 'compare' },
  { name: 'decideVm: unchanged', polls: unchanged, what: 'decide' },
  // The cases are those of VMs as they were adopted: every second poll says something else.
  { name: 'decideVm: status changed', polls: status.filter((_, n) => n % 2 === 1 || n === 0), what: 'decide' },
  { name: 'comparison and updater: unchanged', polls: unchanged, what: 'step' },
  { name: 'comparison and updater: statistics only', polls: statistics, what: 'step' },
  { name: 'comparison and updater: status changed', polls: status, what: 'step' },
  { name: 'the same with memory: unchanged', polls: withMemory(unchanged, false), what: 'step' },
  { name: 'the same with memory: statistics only', polls: withMemory(statistics, true), what: 'step' },
];

const micros = compare(subjects.map(contender), flags.rounds);
const rows: Figures[] = [];
for (const subject of subjects) {
  const { units, run } = contender(subject).prepare();
  rows.push({
    work: subject.name,
    'µs per VM': micros.get(subject.name) ?? Number.NaN,
    'KB allocated per VM': (await allocationOf(run)) / units / 1000,
    ...(subject.what === 'step' ? writesOf(subject) : { 'rows per VM': null, 'records per VM': null }),
  });
}
const report = new Report('rules', flags);
report.table(`One VM of a poll, decoded before: ${flags.hosts} hosts × ${flags.vms} VMs, ${flags.polls} polls`, rows);
report.end(json);

function contender(subject: Subject): Contender {
  return {
    name: subject.name,
    prepare: () => {
      const [first = [], ...rest] = subject.polls;
      return work(subject, coreWith(first), rest);
    },
  };
}

/** A core that has seen the first answers and knows their VMs. */
function coreWith(first: readonly Answer[]): Core {
  const core = new Core(first.map(({ host }) => host));
  for (const answer of first) {
    step(core, answer);
    core.readDevices(answer.report);
  }
  return core;
}

function work({ what }: Subject, core: Core, polls: Polls): ReturnType<Contender['prepare']> {
  const answers = polls.flat();
  const units = answers.length * flags.vms;
  switch (what) {
    case 'compare': {
      const run = (): void => {
        for (const { host, report } of answers) core.evidenceOf(host, report);
      };
      return { units, run };
    }
    case 'step': {
      const run = (): void => {
        for (const answer of answers) step(core, answer);
      };
      return { units, run };
    }
    case 'decide': {
      const cases = answers.flatMap((answer) => casesOf(core, answer));
      const run = (): void => {
        for (let i = 0; i < REPEATED; i++) for (const c of cases) decideVm(c);
      };
      return { units: REPEATED * units, run };
    }
  }
}

function step(core: Core, { host, report, next }: Answer): void {
  next?.();
  core.apply(core.evidenceOf(host, report));
}

function writesOf(subject: Subject): Figures {
  const [first = [], ...rest] = subject.polls;
  const core = coreWith(first);
  const before = { ...core.committed };
  const answers = rest.flat();
  for (const answer of answers) step(core, answer);
  const vms = answers.length * flags.vms;
  return {
    'rows per VM': (core.committed.rows - before.rows) / vms,
    'records per VM': (core.committed.records - before.records) / vms,
  };
}

/** As the updater would make them for VMs that were just adopted. */
function casesOf(core: Core, { host: hostId, report }: Answer): VmCase[] {
  const host = core.sets.hosts.get(hostId);
  if (host === undefined) throw new Error(`no host ${hostId}`);
  const at = { requestedAt: core.time.monotonic(), receivedAt: core.time.now() };
  const stamp: EvidenceStamp = { host: hostId, session: 1, kind: 'poll', seq: 2, ...at, complete: true };
  const idle = { busy: false, changedAt: null, asyncRunning: false, coldReboot: false, inPowerOffWindow: false };
  return [...report.changed()].map((vmReport) => ({
    ...{ now: core.time.now(), mode: 'observer', stamp, host, vm: core.sets.vms.get(vmReport.vmId), report: vmReport },
    ...{ unsettled: undefined, commands: idle, missesNeeded: 2, lastReport: undefined, formerOwner: undefined },
    ...{
      hostStatus: () => 'Up',
      managedInventory: false,
      pushesHealthy: false,
      externalDataKept: true,
      ownerLeftIt: false,
    },
    hostInitialized: true,
    data: { nicBlacklist: [], hostedEngineVmName: null, jobStartedAt: () => null },
  }));
}

/** Answers in which nothing changes, only the figures, or also every VM's status, to and fro. No two share an object. */
async function poll(changes: 'nothing' | 'statistics' | 'status'): Promise<Polls> {
  const time = new VirtualTime();
  const { hosts, vms } = flags;
  const fleet = new Fleet({ clock: time, scheduler: time, hosts, vms: hosts * vms });
  const machines = fleet.vms().map(({ name }) => fleet.vm(name));
  await time.runFor(seconds(30));
  const polls = [answersOf(fleet)];
  // Events of a VM that goes to and fro more often are held back.
  const count = changes === 'status' ? Math.min(4, flags.polls) : flags.polls;
  for (let n = 1; n <= count; n++) {
    if (changes !== 'nothing') await time.runFor(seconds(15));
    if (changes === 'status') {
      for (const machine of machines) {
        if (n % 2 === 1) machine.pause();
        else machine.resume();
      }
    }
    polls.push(answersOf(fleet));
  }
  return polls;
}

/** The same answers as a reader gives them that keeps its reports while only figures differ. */
function withMemory(polls: Polls, versions: boolean): Polls {
  const hosts = (polls[0] ?? []).map(({ host }, i) => {
    const plain = polls.flatMap((answers) => answers[i]?.report ?? []);
    return remembered(plain, versions).map((answer) => ({ host, ...answer }));
  });
  return polls.map((_, n) => hosts.flatMap((answers) => answers[n] ?? []));
}

function answersOf(fleet: Fleet): Answer[] {
  return fleet.hosts().map(({ id, name }) => {
    const host: HostEndpoint = { id: name, name, address: '127.0.0.1', port: 1, protocol: 'http', tls: null };
    const { result } = parseJson(Buffer.from(bodyOf(fleet, id))) as { result: unknown[] };
    const report = new ParsedVmStatsReport(host, result);
    for (const vm of report.changed()) {
      vm.statistics();
      vm.jobs();
    }
    return { host: name, report };
  });
}
