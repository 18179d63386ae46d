export { ServerCertificate } from './certificate.js';
export { metricsDocument, OwnMetrics } from './metrics/index.js';
export { webhookBody } from './routes-sinks.js';
export { createServer, type ServerOptions, type VurtiServer } from './server.js';
export { ensureToken } from './token.js';
export { addToken, readTokens, removeToken, type Scope, TokenBook, tokensFile } from './token-book.js';
export * from './wire.js';
