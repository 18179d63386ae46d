export { createServer, type ServerOptions, type VurtiServer } from './server.js';
export { ensureToken } from './token.js';
export * from './wire.js';
