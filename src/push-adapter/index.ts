export { PollingPushAdapter, type PollingPushAdapterOptions } from './polling-push-adapter.js';
