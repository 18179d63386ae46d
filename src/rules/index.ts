export { failureFigures } from './explain/failure-figures.js';
export { type HostOutlookFacts, hostOutlook } from './explain/host-outlook.js';
export type { NextStep, Outlook } from './explain/outlook.js';
export { type VmOutlookFacts, vmOutlook } from './explain/vm-outlook.js';
export { missingNetworks } from './host/capability-checks.js';
export type { Claims, HostCase, HostRuleSettings } from './host/case.js';
export { certificateParams, daysLeft } from './host/certificates.js';
export { commandTransitions, type HostCommand, refusal } from './host/commands.js';
export { claimsOf } from './host/commitment.js';
export { decideHost, type HostEvidence, type HostVerdict } from './host/decide.js';
export { failureTransitions, graceSeconds } from './host/failure.js';

export {
  needsRestart,
  newRestart,
  type Restart,
  type RestartRound,
  restartRound,
  restartTransitions,
} from './host/ha-restarts.js';
export { type ClusterNeed, clusterNeeds } from './host/needs.js';
export { nicsWithNetworks, problematicNics } from './host/nics.js';

export { isStale } from './host/silence.js';
export { dynamicAtStart } from './host/start.js';

export { statsTransitions } from './host/stats-transitions.js';

export { decideOff } from './host/vms-off.js';
export {
  intentKinds,
  intentText,
  isAboutHost,
  isAboutRemains,
  isCounted,
  isIntentKind,
  isWithdrawnBy,
} from './intent-grounds.js';
export type { Row } from './row.js';
export { plainDoc, ruleAnchor, ruleBook, ruleDoc } from './rule-book.js';
export { rulesDocument } from './rules-document.js';
export * from './tick-plan.js';
export { unnamed } from './unnamed.js';
export type { EventDraft, HostSignal, IntentDraft, NotDone, Signal } from './verdict.js';
export { absentTransitions } from './vm/absent.js';
export { endedByMigrating, type LastReport, type VmCase, type VmCommands } from './vm/case.js';
export { admission, decideVm, type NotAdmitted, type VmVerdict, vmAfter } from './vm/decide.js';
export { judgeDeviceHash } from './vm/device-hash.js';
export {
  type DeviceTimes,
  listedDevices,
  singleDevice,
} from './vm/devices.js';
export { describedVm } from './vm/external.js';
export { type BalloonState, balloonFollows, figuresMatter, judgeFigures } from './vm/figures.js';
export { guestNics, nicPatterns } from './vm/guest.js';
export { nextJobs } from './vm/jobs.js';
export { laidOver } from './vm/overlay.js';
export { downTransitions } from './vm/reported-down.js';
export { elsewhereTransitions } from './vm/reported-elsewhere.js';
export { hereTransitions } from './vm/reported-here.js';
export { nextVmUsage } from './vm/statistics.js';
export { takeRow } from './vm/take-row.js';
export { isUsual, learnSample, takeSample } from './vm/take-sample.js';

export { unknownTransitions } from './vm/unmanaged.js';
