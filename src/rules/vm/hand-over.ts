import type { KnownCase } from './case.js';
import type { VmDraft } from './draft.js';
import { normalExit } from './state.js';

/**
 * The source of a migration lets the VM go (§4.6): it is the destination's now, MigratingTo until that host reports it, or
 * Unknown if nothing can be heard from there.
 */
export function handOver(c: KnownCase, draft: VmDraft): void {
  const destination = c.vm.dynamic.migratingToVds;
  const silent = destination !== null && c.hostStatus(destination) === 'NonResponsive';
  draft.status(silent ? 'Unknown' : 'MigratingTo', normalExit);
  draft.set({ runOnVds: destination });
}
