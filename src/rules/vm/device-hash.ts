import { UPDATE_HASH, type VmStatus } from '../../model/index.js';
import { matchOne, type Row } from '../row.js';

/** A VM's device fingerprint in a report, and what is known. */
export interface DeviceHashCase {
  readonly status: VmStatus;
  /** null: not reported. */
  readonly reported: string | null;
  /** Monotonic ms before the report was asked for. */
  readonly askedAt: number;
  /** null: nothing is known of the VM's devices. */
  readonly known: string | null;
  /** The same of the last word about all of the VM's devices; null = before this process. */
  readonly knownAt: number | null;
}

/** nothing · save: remember the fingerprint · ask: read the devices, and remember it when they are here (D17). */
export type DeviceHashVerdict = 'nothing' | 'save' | 'ask';
type HashRow = Row<DeviceHashCase, { verdict: DeviceHashVerdict }>;

const incoming = (c: DeviceHashCase): boolean => c.reported !== null && c.status === 'MigratingTo';
const handedIn = (c: DeviceHashCase): boolean => c.known === UPDATE_HASH;
const older = (c: DeviceHashCase): boolean =>
  c.known !== null && !handedIn(c) && c.knownAt !== null && c.askedAt <= c.knownAt;
const looked = (c: DeviceHashCase): boolean => c.reported !== null && !incoming(c) && !older(c);
const nothing = (): void => undefined;

/** What a device fingerprint in a report asks for (§4.13, D17). Exactly one row matches. */
export const deviceHashTransitions: readonly HashRow[] = [
  {
    name: 'vm.devices.no-hash',
    doc: 'The report has no fingerprint of the devices: nothing is said of them.',
    when: (c) => c.reported === null,
    then: nothing,
  },
  {
    name: 'vm.devices.incoming',
    doc: 'A migration is coming in; the devices are looked at when it is over.',
    when: incoming,
    then: nothing,
  },
  {
    name: 'vm.devices.hash-older',
    doc: 'Asked for before the devices were last heard of: the newer word holds.',
    when: (c) => c.reported !== null && !incoming(c) && older(c),
    then: nothing,
  },
  {
    name: 'vm.devices.hash-known',
    doc: 'The fingerprint is the known one.',
    when: (c) => looked(c) && c.reported === c.known,
    then: nothing,
  },
  {
    name: 'vm.devices.hash-of-list',
    doc: 'The devices were handed in whole; this is their fingerprint, and there is no need to read them again.',
    when: (c) => looked(c) && c.reported !== c.known && handedIn(c),
    then: (_, draft) => {
      draft.verdict = 'save';
    },
  },
  {
    name: 'vm.devices.hash-changed',
    doc: 'Another fingerprint means other devices: they are read, all VMs of the host that ask at once in one call.',
    when: (c) => looked(c) && c.reported !== c.known && !handedIn(c),
    then: (_, draft) => {
      draft.verdict = 'ask';
    },
  },
];

export function judgeDeviceHash(c: DeviceHashCase): { readonly rule: string; readonly verdict: DeviceHashVerdict } {
  const draft: { verdict: DeviceHashVerdict } = { verdict: 'nothing' };
  const row = matchOne(deviceHashTransitions, c);
  row.then(c, draft);
  return { rule: row.name, verdict: draft.verdict };
}
