import { capabilityChecks } from './host/capability-checks.js';
import { certificateEffects } from './host/certificates.js';
import { commandTransitions } from './host/commands.js';
import { capabilitiesEffects, capabilitiesTransitions } from './host/contact.js';
import { failureTransitions } from './host/failure.js';
import { fencingTransitions } from './host/fencing.js';
import { restartTransitions } from './host/ha-restarts.js';
import { missedEffects } from './host/pushes.js';
import { recoveringTransitions } from './host/recovering.js';
import { refusalEffects } from './host/refused.js';
import { commitmentEffect, statsEffects } from './host/stats-effects.js';
import { statsTransitions } from './host/stats-transitions.js';
import { thresholdEffects } from './host/thresholds.js';
import { hostOthers, serviceOthers, vmAdmission, vmOthers } from './other-rules.js';
import type { RuleDoc } from './rule-doc.js';
import { tickRows } from './tick-plan.js';
import { absentTransitions } from './vm/absent.js';
import { deviceHashTransitions } from './vm/device-hash.js';
import { listedDeviceTransitions, missingDeviceTransitions, singleDeviceTransitions } from './vm/devices.js';
import { describedTransitions } from './vm/external.js';
import { figuresEffects } from './vm/figures.js';
import { jobTransitions } from './vm/jobs.js';
import { lunEffects } from './vm/luns.js';
import { downEffects, downTransitions } from './vm/reported-down.js';
import { elsewhereTransitions } from './vm/reported-elsewhere.js';
import { hereEffects, hereTransitions } from './vm/reported-here.js';
import { takeEffects } from './vm/take-report.js';
import { hostedEngineTransitions, unknownTransitions } from './vm/unmanaged.js';

/** Rules that are asked together, in this order. */
export interface RuleTable {
  readonly title: string;
  /** How the rows go together. */
  readonly choice: 'one' | 'each' | 'first' | 'none';
  readonly rows: readonly RuleDoc[];
}

/** A situation. */
export interface RuleChapter {
  readonly title: string;
  readonly intro: string;
  readonly tables: readonly RuleTable[];
}

const one = (title: string, rows: readonly RuleDoc[]): RuleTable => ({ title, choice: 'one', rows });
const each = (title: string, rows: readonly RuleDoc[]): RuleTable => ({ title, choice: 'each', rows });
const first = (title: string, rows: readonly RuleDoc[]): RuleTable => ({ title, choice: 'first', rows });
const plain = (title: string, rows: readonly RuleDoc[]): RuleTable => ({ title, choice: 'none', rows });

/** Every rule, by situation, in the order in which they are asked. */
export const ruleBook: readonly RuleChapter[] = [
  {
    title: 'What is asked, and when',
    intro:
      'Each host has a tick every poll.intervalSeconds / poll.ticksPerInterval (3 s), on a grid of its own. What one tick asks follows from the host’s status and the number of the tick; every poll.ticksPerInterval-th is a *statistics tick* (15 s). A tick that finds its host still busy is skipped and counted. What rules ask for besides (capabilities after contact, devices after a change) is asked as soon as the host is free.',
    tables: [first('Tick plan', tickRows)],
  },
  {
    title: 'A host answers capabilities',
    intro:
      'Asked at every tick while contact is being made, and once after the start of the service. The checks are asked in their order; the first that is broken makes the host NonOperational. A check whose facts are not known is off: it does not guess, and `vurti status -v` says so. SELinux is remarked upon (VDS_NO_SELINUX_ENFORCEMENT) and never breaks a host.',
    tables: [
      first('Checks', capabilityChecks),
      one('What follows', capabilitiesTransitions),
      each('Besides', capabilitiesEffects),
    ],
  },
  {
    title: 'A host answers statistics',
    intro: 'Its figures are taken over first; what is judged are the new ones.',
    tables: [
      each('Before the status', statsEffects),
      one('What follows', statsTransitions),
      each('After the status', [commitmentEffect, ...thresholdEffects, ...certificateEffects]),
    ],
  },
  {
    title: 'A host’s agent pushes, or should have',
    intro:
      'An agent that is subscribed to says by itself what happens. A push is a sign of life of its host like an answer, and a report about its VMs. While its pushes are whole a host is polled less often, up to poll.maxIntervalSeconds; a poll that shows what should have been pushed ends that. A lost connection alone is no failed attempt: the next poll decides.',
    tables: [plain('Missing pushes', missedEffects)],
  },
  {
    title: 'A host does not answer',
    intro:
      'A *failed attempt* is one cycle of calls of which at least one failed on the way (not reached, timed out, unreadable, code 5022) and none was answered. A host is lost only when both are used up: more than grace.attempts failed attempts, and silence for longer than grace.seconds + grace.perVmSeconds for each of its VMs + grace.spmSeconds if it is, or is about to be, the storage pool manager. getAllVmStats failing alone makes the host’s VMs stale, no more.',
    tables: [
      one('What follows', failureTransitions),
      first('The first steps of fencing, when the host is lost', fencingTransitions),
      plain(
        'Its VMs',
        hostOthers.filter(({ name }) => name === 'host.lost.vms-unknown'),
      ),
    ],
  },
  {
    title: 'A host’s agent recovers, or answers with an error',
    intro:
      'Code 99 means: the agent was restarted and does not know its VMs yet. Any other error answer is an answer: the host lives.',
    tables: [one('Code 99, or its time is over', recoveringTransitions), each('Any other error', refusalEffects)],
  },
  {
    title: 'Somebody says something about a host',
    intro: 'The manager, the command line or the API; automatic recovery speaks here too.',
    tables: [
      one('What follows', commandTransitions),
      plain(
        'Other rules about hosts',
        hostOthers.filter(({ name }) => name !== 'host.lost.vms-unknown'),
      ),
    ],
  },
  {
    title: 'A report about a VM: is it judged?',
    intro:
      'Reports come by poll (all VMs of a host) or push (one VM). A report that is not judged now is judged again with the next report of its host, whatever that says: nothing is lost by being skipped.',
    tables: [plain('Not judged', vmAdmission)],
  },
  {
    title: 'A VM is reported where it runs',
    intro: 'It is reported, not Down, by the host that it is stored on.',
    tables: [
      each('What happens besides', hereEffects),
      one('Which state follows', hereTransitions),
      each('Wherever a report is taken over', takeEffects),
    ],
  },
  {
    title: 'A VM is reported on another host',
    intro: 'It is reported, not Down, by a host that it is not stored on.',
    tables: [one('What follows', elsewhereTransitions)],
  },
  {
    title: 'A VM is reported Down',
    intro: 'The agent lists a VM that has ended until somebody destroys it there.',
    tables: [each('What happens besides', downEffects), one('Which state follows', downTransitions)],
  },
  {
    title: 'A VM is not reported',
    intro:
      'It is stored on the host, and a *complete* report of that host does not have it. A report that failed or is incomplete says nothing about the VMs that are not in it. absence.misses complete reports are needed.',
    tables: [one('What follows', absentTransitions)],
  },
  {
    title: 'A VM that nobody told of',
    intro:
      'A host reports it, and it is not stored. Only a manager that has given its inventory knows that it is foreign.',
    tables: [
      one('What follows', unknownTransitions),
      one('The VM of a hosted engine', hostedEngineTransitions),
      one('Its description has come', describedTransitions),
      plain('Other rules about VMs', vmOthers),
    ],
  },
  {
    title: 'A VM’s figures, jobs, devices and LUNs',
    intro: 'Looked at with every poll that is the VM’s own; nothing of it changes the VM’s status.',
    tables: [
      each('Memory and balloon', figuresEffects),
      one('Each block job, known or listed', jobTransitions),
      one('The fingerprint of the devices', deviceHashTransitions),
      one('Each device that is listed', listedDeviceTransitions),
      one('Each device that is known and not listed', missingDeviceTransitions),
      one('Word of one device alone', singleDeviceTransitions),
      each('LUNs', lunEffects),
    ],
  },
  {
    title: 'Highly available VMs that failed',
    intro: 'They stand in a queue and are advised to be started (intent autoRun), the most important ones first.',
    tables: [one('One VM in one round', restartTransitions)],
  },
  {
    title: 'Events that are held back, and the inventory',
    intro: 'The log stays readable, and nothing is held back in silence.',
    tables: [plain('Rules', serviceOthers)],
  },
];

/** Anchor of a rule in docs/rules.md. */
export const ruleAnchor = (name: string): string => name.replaceAll('.', '-');

/** Without references to the papers that we worked from: nobody else has them. */
export const plainDoc = (doc: string): string => doc.replaceAll(/ \((?:§[^)]*|D\d+(?:, D\d+)*)\)/g, '');

let byName: ReadonlyMap<string, string> | undefined;

/** What the rule says of itself; undefined: there is no such rule. */
export function ruleDoc(name: string): string | undefined {
  byName ??= new Map(
    ruleBook.flatMap(({ tables }) => tables.flatMap(({ rows }) => rows.map((row) => [row.name, plainDoc(row.doc)]))),
  );
  return byName.get(name);
}
