import type { SettingInfo } from './catalogue.js';

const words: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
};

/** Text of the environment as the value that the setting wants. Text that does not fit stays: the schema names it. */
export function coerce(text: string, info: SettingInfo | undefined): unknown {
  if (info?.nullable && text.trim() === 'null') return null;
  switch (info?.type) {
    case 'number':
    case 'integer':
      return /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
    case 'boolean':
      return words[text.trim().toLowerCase()] ?? text;
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case undefined:
    case 'enum':
    case 'text':
    case 'group':
      return text;
  }
}
