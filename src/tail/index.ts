export { LogTail, type TailQuery } from './log-tail.js';
