import type { Intent } from '../../events/index.js';
import type { AgentCaller } from '../../fetcher/index.js';
import { type Scheduler, VurtiError, withDeadline } from '../../kernel/index.js';
import type { HostEndpoint } from '../../model/index.js';
import type { IntentHandler } from './intent-handler.js';

const DEADLINE_MS = 60_000;
/** The agent has no such VM: somebody else was quicker. */
const NO_SUCH_VM = 1;

export interface DestroyLeftoversOptions {
  readonly caller: AgentCaller;
  readonly endpointOf: (hostId: string) => HostEndpoint | undefined;
  /** A command of the manager works on the VM or waits for it: it may be about to run there. */
  readonly isBusy: (vmId: string) => boolean;
  readonly scheduler: Scheduler;
}

/** Destroys what is left of VMs on their hosts (setting actions.destroyLeftovers). */
export class DestroyLeftovers implements IntentHandler {
  readonly #o: DestroyLeftoversOptions;

  constructor(options: DestroyLeftoversOptions) {
    this.#o = options;
  }

  async handle(intent: Intent, signal: AbortSignal): Promise<boolean> {
    const { vmId, hostId } = intent;
    if (intent.intent !== 'destroy' || vmId === null || hostId === null) return false;
    if (this.#o.isBusy(vmId)) throw new VurtiError('NOT_READY', `A command of the manager works on VM ${vmId}`);
    const host = this.#o.endpointOf(hostId);
    if (host === undefined) throw new VurtiError('NOT_FOUND', `Nobody knows where host ${hostId} is`);
    const deadline = {
      ms: DEADLINE_MS,
      code: 'AGENT_TIMEOUT',
      message: `${host.name}: no answer to VM.destroy within ${DEADLINE_MS / 1000}s`,
      parent: signal,
      label: 'VM.destroy',
    } as const;
    try {
      await withDeadline(this.#o.scheduler, deadline, (ends) =>
        this.#o.caller.call(host, 'VM.destroy', { vmID: vmId }, { signal: ends }),
      );
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    return true;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof VurtiError && error.code === 'AGENT_ERROR' && error.details?.['agentCode'] === NO_SUCH_VM;
}
