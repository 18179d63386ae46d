export { Sink, type SinkOptions, type SinkState } from './sink.js';
export { Sinks } from './sinks.js';
export { type Outcome, post, type WebhookTarget } from './webhook.js';
