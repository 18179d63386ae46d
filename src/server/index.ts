export { apiDocument } from './api/document.js';
export { answerSchemas } from './api/json-schema.js';
export { openApiDocument } from './api/openapi.js';
export { metricsDocument, OwnMetrics } from './metrics/index.js';
export { webhookBody } from './routes-sinks.js';
export { createServer, type ServerOptions, type VurtiServer } from './server.js';
export * from './wire.js';
