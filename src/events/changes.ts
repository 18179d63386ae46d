import type { FieldChange, Vds, VdsStatus, Vm, VmStatus } from '../model/index.js';
import type { Cause } from './cause.js';

interface HostPart {
  readonly host: { readonly id: string; readonly name: string; readonly clusterId: string };
  readonly current: Vds;
}
interface VmPart {
  readonly vm: { readonly id: string; readonly name: string; readonly host: string | null };
  readonly current: Vm;
}

/**
 * A verdict, published on `changes$` at once, in memory and before it is committed. A status change comes as …StateChanged
 * (with the other fields that changed with it), any other one as …Updated. In observer and manager mode alike.
 */
export type Change =
  | ({ readonly name: 'VdsAdded'; readonly cause: Cause } & HostPart)
  | ({
      readonly name: 'VdsStateChanged';
      readonly from: VdsStatus;
      readonly to: VdsStatus;
      readonly changes: readonly FieldChange[];
      readonly cause: Cause;
    } & HostPart)
  | ({ readonly name: 'VdsUpdated'; readonly changes: readonly FieldChange[]; readonly cause: Cause } & HostPart)
  | ({ readonly name: 'VdsRemoved'; readonly cause: Cause } & HostPart)
  /** Word of a step that is the core's own, for those who take part in it. Not a change of state. */
  | ({ readonly name: 'VdsSignalled'; readonly signal: string; readonly cause: Cause } & HostPart)
  | ({ readonly name: 'VmAdded'; readonly cause: Cause } & VmPart)
  | ({
      readonly name: 'VmStateChanged';
      readonly from: VmStatus;
      readonly to: VmStatus;
      readonly changes: readonly FieldChange[];
      readonly cause: Cause;
    } & VmPart)
  | ({ readonly name: 'VmUpdated'; readonly changes: readonly FieldChange[]; readonly cause: Cause } & VmPart)
  | ({ readonly name: 'VmRemoved'; readonly cause: Cause } & VmPart)
  /** Word to a running command of the manager: its start or migration has come to this point. Not a change of state. */
  | ({ readonly name: 'VmSignalled'; readonly signal: string; readonly cause: Cause } & VmPart);

export type ChangeName = Change['name'];
