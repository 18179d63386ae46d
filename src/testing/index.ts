export {
  type FakeAgent,
  type FakeCall,
  FakeFetcher,
  type FakeFetcherOptions,
  type FakeHost,
  type FakeHostFacts,
  type FakePush,
  type FakeVm,
  type FakeVmFacts,
} from '../fetcher/index.js';
export { hours, minutes, seconds, VirtualTime } from '../kernel/index.js';
export { MemoryStore } from '../store/index.js';
export { createTestMonitor, TestMonitor, type TestMonitorOptions } from './create-test-monitor.js';
