import type { VurtiError } from '../../kernel/index.js';
import { notMonitored, type VdsStatus } from '../../model/index.js';
import type { Row } from '../row.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';

/** error is null when no answer came, but the time is over. */
export type RecoveringCase = HostCase & { readonly error: VurtiError | null };
type RecoveringRow = Row<RecoveringCase, HostDraft>;

const status = (c: RecoveringCase): VdsStatus => c.host.dynamic.status;
const ignored = (c: RecoveringCase): boolean =>
  notMonitored.has(status(c)) ||
  status(c) === 'PreparingForMaintenance' ||
  status(c) === 'NonOperational' ||
  (c.error === null && status(c) !== 'Initializing');
const overdue = (c: RecoveringCase): boolean =>
  status(c) === 'Initializing' &&
  c.liveness.recoveringSince !== null &&
  c.now >= c.liveness.recoveringSince + c.settings.recoveryTimeoutSeconds * 1000;

/** The agent answers, but does not know its VMs yet (code 99; §3.7, D6). Exactly one row matches. */
export const recoveringTransitions: readonly RecoveringRow[] = [
  {
    name: 'host.recovering.ignored',
    doc: 'The host is leaving, NonOperational or somebody else’s, so that its agent recovers changes nothing; or the time to recover is over, but the host recovers no longer.',
    when: ignored,
    then: (c, draft) => draft.skip('Initializing', `the host is ${status(c)}`),
  },
  {
    name: 'host.recovering.timeout',
    doc: 'The agent has been recovering for too long: NonOperational. VMs are not moved, since nothing is known of them.',
    when: (c) => !ignored(c) && overdue(c),
    then: (_, draft) => {
      draft.nonOperational('TIMEOUT_RECOVERING_FROM_CRASH');
      draft.live({ recoveringSince: null });
      draft.event('VDS_RECOVER_FAILED');
    },
  },
  {
    name: 'host.recovering.waits',
    doc: 'Still recovering, within its time.',
    when: (c) => !ignored(c) && !overdue(c) && status(c) === 'Initializing',
    then: (c, draft) => draft.live({ recoveringSince: c.liveness.recoveringSince ?? c.now }),
  },
  {
    name: 'host.recovering.begins',
    doc: 'The agent answers “recovering” (code 99): the host is alive, its VMs are not known yet: Initializing.',
    when: (c) => !ignored(c) && status(c) !== 'Initializing',
    then: (c, draft) => {
      draft.status('Initializing');
      draft.live({ recoveringSince: c.now, readyForUp: false });
      draft.event('VDS_INITIALIZING', { ErrorMessage: c.error?.message ?? 'recovering' });
    },
  },
];
