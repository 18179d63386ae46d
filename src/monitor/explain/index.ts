export type { ExplainContext } from './context.js';
export { explainHost } from './explain-host.js';
export { explainVm } from './explain-vm.js';
