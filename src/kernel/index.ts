export { BinaryHeap } from './binary-heap.js';
export type { Clock } from './clock.js';
export { collectSeldom } from './collector.js';
export { type DeadlineOptions, withDeadline } from './deadline.js';
export { hours, minutes, seconds } from './durations.js';
export { errorRegistry } from './error-registry.js';
export {
  asVurtiError,
  type ErrorCode,
  type ErrorEntry,
  messageOf,
  VurtiError,
  type VurtiErrorOptions,
} from './errors.js';
export { CountedIds, type Ids, systemIds } from './ids.js';
export { isLoopback } from './loopback.js';
export { hashOf, type Random, randomInt, SeededRandom, systemRandom } from './random.js';
export { RealTime, type RealTimeOptions } from './real-time.js';
export { withoutSecrets } from './redact.js';
export type { Scheduler, Timer } from './scheduler.js';
export {
  type Labels,
  type LogFields,
  type LogLevel,
  type Span,
  silentTelemetry,
  type Telemetry,
  type Tracer,
} from './telemetry.js';
export { VirtualTime, type VirtualTimeOptions } from './virtual-time.js';
