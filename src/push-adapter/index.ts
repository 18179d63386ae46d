export {
  type HostPushFigures,
  HybridPushAdapter,
  type HybridPushAdapterOptions,
  type PushStats,
} from './hybrid-push-adapter.js';
export { PollingPushAdapter, type PollingPushAdapterOptions, type PollStats } from './polling-push-adapter.js';
