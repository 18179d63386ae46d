import type { VurtiError } from '../../kernel/index.js';
import type { Row } from '../row.js';
import type { HostCase } from './case.js';
import type { HostDraft } from './draft.js';

export type RefusedCase = HostCase & { readonly method: string; readonly error: VurtiError };

/** The agent answered a call with an error: the host lives, and its status stays (D7). Each that matches applies. */
export const refusalEffects: readonly Row<RefusedCase, HostDraft>[] = [
  {
    name: 'host.refused.event',
    doc: 'People are told which call failed and why.',
    when: () => true,
    then: (c, draft) => draft.event('VDS_BROKER_COMMAND_FAILURE', { CommandName: c.method, message: c.error.message }),
  },
  {
    name: 'host.refused.hardware',
    doc: 'It was the question for hardware information: the host’s stays as it was known before (§2.9).',
    when: (c) => c.method === 'Host.getHardwareInfo',
    then: (_, draft) => draft.event('VDS_FAILED_TO_GET_HOST_HARDWARE_INFO'),
  },
];
