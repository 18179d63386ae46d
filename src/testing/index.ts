export { FakeFetcher } from '../fetcher/index.js';
export { hours, minutes, seconds, VirtualTime } from '../kernel/index.js';
export { MemoryStore } from '../store/index.js';
export { createTestMonitor, TestMonitor, type TestMonitorOptions } from './create-test-monitor.js';
