import type { EventName } from './catalogue.js';

/** Events that tell of one value going to and fro. */
export interface FlapPair {
  /** The value, for messages and docs/rules.md. */
  readonly what: string;
  readonly bad: readonly EventName[];
  /** Empty: the way back has no event of its own, so that each event stands for two changes. */
  readonly good: readonly EventName[];
}

/** What flap damping looks at. An event that is in none of them is only ever held back by its flood time. */
export const flapPairs: readonly FlapPair[] = [
  { what: 'nic', bad: ['HOST_INTERFACE_STATE_DOWN'], good: ['HOST_INTERFACE_STATE_UP'] },
  { what: 'bond slave', bad: ['HOST_BOND_SLAVE_STATE_DOWN'], good: ['HOST_BOND_SLAVE_STATE_UP'] },
  {
    what: 'contact with the host',
    bad: ['VDS_HOST_NOT_RESPONDING', 'VDS_HOST_NOT_RESPONDING_CONNECTING', 'VDS_INITIALIZING'],
    good: ['VDS_DETECTED'],
  },
  {
    what: 'multipath devices',
    bad: ['FAULTY_MULTIPATHS_ON_HOST', 'MULTIPATH_DEVICES_WITHOUT_VALID_PATHS_ON_HOST'],
    good: ['NO_FAULTY_MULTIPATHS_ON_HOST'],
  },
  { what: 'monitor of the VM', bad: ['VM_NOT_RESPONDING'], good: [] },
  {
    what: 'pause of the VM',
    bad: ['VM_PAUSED', 'VM_PAUSED_ENOSPC', 'VM_PAUSED_EIO', 'VM_PAUSED_EPERM', 'VM_PAUSED_ERROR'],
    good: ['VM_RECOVERED_FROM_PAUSE_ERROR'],
  },
  { what: 'knowledge of the VM', bad: ['VM_SET_TO_UNKNOWN_STATUS'], good: ['VM_STATUS_RESTORED'] },
  { what: 'console of the VM', bad: ['VM_CONSOLE_DISCONNECTED'], good: ['VM_CONSOLE_CONNECTED'] },
];
