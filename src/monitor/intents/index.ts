export { DestroyLeftovers } from './destroy-leftovers.js';
export type { IntentHandler } from './intent-handler.js';
export { IntentRunner } from './intent-runner.js';
export { Intents, type IntentsApi } from './intents.js';
