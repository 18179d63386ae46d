import type { RuleDoc } from './rule-doc.js';

/** Rules that are no row of a table: there is nothing to choose between. Their names stand in causes all the same. */

export const vmAdmission: readonly RuleDoc[] = [
  {
    name: 'vm.admission.command',
    doc: 'A command of the manager is at work on the VM, or the question was asked before the last one ended: what the command did beats what was seen before. The report is not judged; the next one is.',
  },
  {
    name: 'vm.admission.older',
    doc: 'The agent’s own time stamp says that this report is older than the last one judged of the same host; or it is a list without the VM, asked for before a push about the VM came. The report is not judged; the next one is.',
  },
];

export const vmOthers: readonly RuleDoc[] = [
  {
    name: 'vm.unknown.absent',
    doc: 'Neither stored nor reported: nothing to decide.',
  },
  {
    name: 'vm.devices.refreshed',
    doc: 'The devices of a VM whose fingerprint had changed were read; the fingerprint is remembered from then on (D17).',
  },
  {
    name: 'vm.command.migrating',
    doc: 'The manager says that the VM’s host has begun to migrate it, and where to. Reports that were asked for before say nothing of it.',
  },
  {
    name: 'vm.devices.handed-in',
    doc: 'The manager has read the devices of a VM itself and hands the whole list in; it counts like one that was asked for.',
  },
  {
    name: 'vm.job.begun',
    doc: 'The manager says that it has begun a block job on the VM. Reports older than that say nothing of it.',
  },
  {
    name: 'vm.ha-restart',
    doc: 'A VM that ends with an error is to be started again if it is highly available. Whether it is, the inventory has to say: an agent does not know.',
  },
];

export const hostOthers: readonly RuleDoc[] = [
  {
    name: 'host.lost.vms-unknown',
    doc: 'Its host is NonResponsive. A VM on an unreachable host may still run: it is Unknown, not Down. Nothing else of it changes.',
  },
  {
    name: 'host.off.vms-down',
    doc: 'Its host is proven to have been off, so it does not run: Down with an error. What may have arrived where it was migrating to is to be destroyed.',
  },
  {
    name: 'host.start',
    doc: 'The service started. What was going on with the host when the last process ended is not known any more: Connecting, NonResponsive, Reboot and Installing become Unassigned, Error becomes Up, and contact is made anew. What is pending for it is 0.',
  },
  {
    name: 'host.connected',
    doc: 'The agent has taken our subscription to its events. What it said before is of another session: its clock may have begun anew, so time stamps are compared from here on only.',
  },
  {
    name: 'host.push.connectivity',
    doc: 'The agent says that the host’s network has changed: its capabilities are read again.',
  },
  { name: 'host.hardware', doc: 'The host’s hardware information was answered and is taken over.' },
  {
    name: 'host.call-refused',
    doc: 'The agent answered a call with an error. It lives: failed attempts and status stay as they are (D7).',
  },
];

export const serviceOthers: readonly RuleDoc[] = [
  {
    name: 'service.certificate.expiring',
    doc: 'Our own certificate, which agents ask for, ends within agents.tls.warnDaysBeforeExpiry: said once per certificate.',
  },
  { name: 'inventory', doc: 'The inventory says so: the manager, the settings, a file or the API.' },
  {
    name: 'events.flood',
    doc: 'The same event of the same entity was held back for its flood time; this says how often, and from when to when (D24). The key of an event is its name, cluster, host, VM and custom id (a nic’s name).',
  },
  {
    name: 'events.flap',
    doc: 'A value has changed flap.changes times within flap.windowSeconds. From then on its events are held back until none has come for a whole window; then one summary says how often, and what the last one was. Changes themselves are always in the log.',
  },
];
