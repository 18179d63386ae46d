export { type LogFilter, type RecordTest, recordTest } from './filter.js';
export { LogTail, type TailFrame, type TailQuery } from './log-tail.js';
export type { TailGap } from './places.js';
export type { TailBatch, TailReader } from './tail-reader.js';
