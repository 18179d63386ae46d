import type { Intent } from '../../events/index.js';

/**
 * Does what advice asks for, in manager mode. Without one, advice is only recorded and delivered.
 *
 * Contract: resolves true when it is done (the advice is acknowledged then), false when it is not this handler's business
 * (it stays for others). A rejection means "not now": the advice comes again with the next report of its host. The same
 * advice may come several times, with the same key. Ends soon after `signal` aborts.
 */
export interface IntentHandler {
  handle(intent: Intent, signal: AbortSignal): Promise<boolean>;
}
