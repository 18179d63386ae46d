/** A family of series in the text format of Prometheus. */
export interface Family {
  readonly name: string;
  readonly help: string;
  /** Default: gauge. */
  readonly type?: 'gauge' | 'counter';
}

export type LabelValues = Readonly<Record<string, string | null>>;

const escapedHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
const quoted = (value: string): string =>
  `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

export function header({ name, help, type = 'gauge' }: Family): string {
  return `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} ${type}\n`;
}

/** One sample; a value that is not known (null) is no sample: 0 would be a lie. A label that is not known is empty. */
export function sample(name: string, labels: LabelValues, value: number | null): string {
  if (value === null || Number.isNaN(value)) return '';
  const pairs = Object.entries(labels).map(([label, text]) => `${label}=${quoted(text ?? '')}`);
  return pairs.length === 0 ? `${name} ${number(value)}\n` : `${name}{${pairs.join(',')}} ${number(value)}\n`;
}

function number(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}
