export { decodePush } from './decode/push.js';
export { decodeVmStatusEvent } from './decode/vm-event.js';
export { type Examination, type ExamStep, examineHost } from './examine/examine-host.js';
export type { FakeAgent, FakeCall } from './fake/fake-agent.js';
export { FakeFetcher, type FakeFetcherOptions } from './fake/fake-fetcher.js';
export type { FakeHost, FakeHostFacts } from './fake/fake-host.js';
export type { FakePush } from './fake/fake-pushes.js';
export type { FakeVm, FakeVmFacts } from './fake/fake-vm.js';
export { HttpFetcher, type HttpFetcherOptions } from './http/http-fetcher.js';
export type {
  AgentCaller,
  AgentSession,
  CallOptions,
  Fetcher,
  PushFetcher,
  PushListener,
  PushSubscription,
  VdsFetcher,
  VmFetcher,
} from './ports.js';
export { ProtocolFetcher } from './protocol-fetcher.js';
export type { OpenSocket, Sockets } from './vdsm/sockets.js';
export { VdsmFetcher, type VdsmFetcherOptions } from './vdsm/vdsm-fetcher.js';
