import { notRunning, pauseIsError, type Vm } from '../model/index.js';
import { IndexBy } from './index-by.js';

/** What somebody has to look at, beside VMs that are Unknown. */
export type VmTrouble = 'pausedOnError' | 'notResponding';

/** What only an inventory can say of a VM; null = it does not. */
const vmFacts = ['ha', 'minMemoryMb'] as const;
export type VmFact = (typeof vmFacts)[number];

/** VMs on no host. */
const NOWHERE = '';

/** What a status tells of a whole fleet, kept up to date at each change, so that telling it costs no look at every VM. */
export class VmFacts {
  #resting = 0;
  readonly #inTrouble = new IndexBy<VmTrouble>();
  readonly #unknown = new IndexBy<string>();
  /** Cluster → VMs of which this is not known. */
  readonly #lacking: Record<VmFact, Map<string, number>> = { ha: new Map(), minMemoryMb: new Map() };

  /** VMs that are on no host because they do not run. */
  get resting(): number {
    return this.#resting;
  }

  inTrouble(trouble: VmTrouble): ReadonlySet<string> {
    return this.#inTrouble.get(trouble);
  }

  /** VMs that are Unknown, by the host that ran them; null = on none. */
  *unknown(): Generator<readonly [hostId: string | null, vms: ReadonlySet<string>], void, void> {
    for (const host of this.#unknown.keys()) yield [host === NOWHERE ? null : host, this.#unknown.get(host)];
  }

  /** Whether there is a VM in the cluster of which this is not known. */
  lacks(fact: VmFact, clusterId: string): boolean {
    return this.#lacking[fact].has(clusterId);
  }

  move(id: string, before: Vm | undefined, after: Vm | undefined): void {
    if (before?.dynamic !== after?.dynamic) {
      this.#resting += Number(after !== undefined && rests(after)) - Number(before !== undefined && rests(before));
      this.#inTrouble.move(id, before && troubleOf(before), after && troubleOf(after));
      this.#unknown.move(id, before && unknownOn(before), after && unknownOn(after));
    }
    if (before?.static === after?.static) return;
    for (const fact of vmFacts) {
      this.#count(fact, before, -1);
      this.#count(fact, after, 1);
    }
  }

  #count(fact: VmFact, vm: Vm | undefined, by: number): void {
    const cluster = vm?.static.clusterId;
    if (vm === undefined || cluster === null || cluster === undefined || vm.static[fact] !== null) return;
    const counts = this.#lacking[fact];
    const count = (counts.get(cluster) ?? 0) + by;
    if (count === 0) counts.delete(cluster);
    else counts.set(cluster, count);
  }
}

const rests = ({ dynamic }: Vm): boolean => dynamic.runOnVds === null && notRunning.has(dynamic.status);

function troubleOf({ dynamic: { status, pauseStatus } }: Vm): VmTrouble | null {
  if (status === 'NotResponding') return 'notResponding';
  return status === 'Paused' && pauseIsError.has(pauseStatus) ? 'pausedOnError' : null;
}

const unknownOn = ({ dynamic: { status, runOnVds } }: Vm): string | null =>
  status === 'Unknown' ? (runOnVds ?? NOWHERE) : null;
