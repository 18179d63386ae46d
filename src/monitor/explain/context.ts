import type { Cause } from '../../events/index.js';
import type { HostPushFigures } from '../../push-adapter/index.js';
import type { VmCommands } from '../../rules/index.js';
import type { TrailStep } from '../../updater/index.js';
import type { ViewContext } from '../views.js';
import type { Explanation } from './explanation.js';

/** Where an explanation takes its facts from. Nothing of it is gathered before somebody asks. */
export interface ExplainContext {
  readonly view: ViewContext;
  readonly mode: 'observer' | 'manager';
  readonly autoRecovery: boolean;
  readonly vmCause: (id: string) => Cause | undefined;
  readonly hostCause: (id: string) => Cause | undefined;
  readonly vmTrail: (id: string) => readonly TrailStep[];
  readonly hostTrail: (id: string) => readonly TrailStep[];
  readonly calls: (hostId: string) => Explanation['calls'];
  readonly pushes: (hostId: string) => HostPushFigures | null;
  readonly commands: (vmId: string) => VmCommands;
}
