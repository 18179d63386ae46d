import { stringify } from 'yaml';
import type { Context } from './context.js';
import { escapeControl, escapeInJson } from './text.js';

export interface Emitted {
  /** The whole answer, as the API gave it. */
  readonly document: unknown;
  /** One line each in ndjson and name; default: the document itself. */
  readonly items?: readonly unknown[];
  /** "vm/web-03" */
  readonly names: readonly string[];
  /** Lines for people. */
  readonly table: (wide: boolean) => readonly string[];
}

/** The one place where a command's answer takes the form that was asked for. */
export function emit(context: Context, emitted: Emitted): void {
  switch (context.format) {
    case 'json':
      context.data(escapeInJson(JSON.stringify(emitted.document, null, 2)));
      break;
    case 'ndjson':
      for (const item of emitted.items ?? [emitted.document]) context.data(jsonLine(item));
      break;
    case 'yaml':
      context.data(yamlText(emitted.document));
      break;
    case 'name':
      for (const name of emitted.names) context.data(escapeControl(name));
      break;
    case 'table':
    case 'wide':
      context.print(emitted.table(context.format === 'wide'));
      break;
  }
}

export const jsonLine = (value: unknown): string => escapeInJson(JSON.stringify(value));

/** YAML has its own escapes in double quotes; for text that needs them, JSON's form is valid YAML. */
export function yamlText(value: unknown): string {
  const shown = (member: unknown): unknown => {
    if (typeof member === 'string') return escapeControl(member.replaceAll('\n', '\u0000')).replaceAll('\\x00', '\n');
    if (Array.isArray(member)) return member.map(shown);
    if (typeof member !== 'object' || member === null) return member;
    return Object.fromEntries(Object.entries(member).map(([key, below]) => [escapeControl(key), shown(below)]));
  };
  return stringify(shown(value), { lineWidth: 0, aliasDuplicateObjects: false });
}
