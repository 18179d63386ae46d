import { diffOf, vmDynamicFields } from '../../model/index.js';
import type { KnownCase } from '../vm/case.js';
import type { VmVerdict } from '../vm/decide.js';
import { VmDraft } from '../vm/draft.js';

/**
 * The host that ran the VM is proven to have been off, so the VM does not run (oVirt RestartVdsVmsOperation, §3.4): Down
 * with an error, whatever was known of it. What may have arrived where it was migrating to is to be destroyed.
 */
export function decideOff(c: KnownCase): VmVerdict {
  const draft = new VmDraft(c);
  const { status, migratingToVds } = c.vm.dynamic;
  if (status === 'MigratingFrom' && migratingToVds !== null) {
    draft.intent('destroy', migratingToVds, { because: 'the host that it came from was off' });
  }
  draft.signal('removeAsync');
  draft.status('Down', { exitStatus: 'Error', exitMessage: null, exitReason: 'Unknown' });
  draft.event('VM_WAS_SET_DOWN_DUE_TO_HOST_REBOOT_OR_MANUAL_FENCE');
  draft.wentDown();
  if (c.vm.static.ha === true) draft.autoRun({ because: 'its host was off' });
  const changes = diffOf(vmDynamicFields, c.vm.dynamic, draft.state);
  return { rule: 'host.off.vms-down', effects: [], draft, changes };
}
