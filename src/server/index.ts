export { metricsDocument, OwnMetrics } from './metrics/index.js';
export { createServer, type ServerOptions, type VurtiServer } from './server.js';
export { ensureToken } from './token.js';
export * from './wire.js';
