import pino from 'pino';
import { type LogFields, type LogLevel, type Telemetry, withoutSecrets } from '../../kernel/index.js';
import type { Output } from '../io.js';
import { finish, type Paint, paint, type Style } from '../style.js';
import { escapeControl } from '../text.js';

const levelPaint: Readonly<Record<string, Paint>> = { debug: 'dim', warn: 'yellow', error: 'red' };

/** One line for people: "09:14:28.412 warn  message  key=value". */
function prettyLine(json: string, style: Style): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as { level: string; time: string; msg: string };
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => `${key}=${escapeControl(String(value))}`);
  const head = `${time.slice(11, 23)} ${paint(style, levelPaint[level], level.padEnd(5))} ${escapeControl(msg)}`;
  return finish(style, shown.length === 0 ? head : `${head}  ${paint(style, 'dim', shown.join(' '))}`);
}

/** Messages on stderr: JSON lines for collectors, one-liners for people. Figures are read from the API. */
export function logTelemetry(options: {
  readonly level: LogLevel;
  readonly pretty: boolean;
  readonly output: Pick<Output, 'write'>;
  readonly style: Style;
}): Telemetry & { setLevel(level: LogLevel): void } {
  const { level, pretty, output, style } = options;
  const write = (json: string): void => output.write(withoutSecrets(pretty ? `${prettyLine(json, style)}\n` : json));
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: (name) => ({ level: name }) } },
    { write },
  );
  return {
    setLevel: (next) => {
      logger.level = next;
    },
    log: (at: LogLevel, message: string, fields: LogFields = {}) => logger[at](fields, message),
    count: () => undefined,
    gauge: () => undefined,
    observe: () => undefined,
  };
}
