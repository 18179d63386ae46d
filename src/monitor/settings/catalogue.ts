import { z } from 'zod';
import { closest } from './closest.js';
import { pathText, type SettingPath } from './problem.js';
import { hostEntry, settingsSchema } from './schema.js';

/** One setting as messages, the environment and the documentation need it; taken from the schema. */
export interface SettingInfo {
  /** With `*` for a name that the user chooses and `[]` for a place in a list: "clusters.*.poll.intervalSeconds". */
  readonly name: string;
  readonly type: 'number' | 'integer' | 'boolean' | 'enum' | 'text' | 'list' | 'group';
  /** For people: "number, 1–3600". */
  readonly typeText: string;
  readonly default: unknown;
  readonly description: string;
  readonly path: boolean;
  readonly secret: boolean;
  /** null is a value of its own; elsewhere it is the same as nothing. */
  readonly nullable: boolean;
  readonly members: readonly string[];
}

interface Json {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Json>>;
  readonly additionalProperties?: Json | boolean;
  readonly items?: Json;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly description?: string;
  readonly path?: boolean;
  readonly secret?: boolean;
  readonly anyOf?: readonly Json[];
}

function typeOf(json: Json): SettingInfo['type'] {
  if (json.enum !== undefined) return 'enum';
  if (json.type === 'number' || json.type === 'integer' || json.type === 'boolean') return json.type;
  if (json.type === 'array') return 'list';
  return json.type === 'object' ? 'group' : 'text';
}

function typeTextOf(json: Json): string {
  const limits = json.minimum === undefined ? '' : `, ${json.minimum}–${json.maximum}`;
  switch (typeOf(json)) {
    case 'enum':
      return (json.enum ?? []).join(' | ');
    case 'number':
      return `number${limits}`;
    case 'integer':
      return `whole number${limits}`;
    case 'boolean':
      return json.const === undefined ? 'true | false' : String(json.const);
    case 'list':
      return json.items?.type === 'object' ? 'list of groups' : 'list of text';
    case 'group':
      return 'group';
    case 'text':
      return 'text';
  }
}

function collect(whole: Json, name: string, into: Map<string, SettingInfo>): void {
  const nullable = whole.anyOf?.some((one) => one.type === 'null') ?? false;
  const json = nullable ? { ...whole.anyOf?.find((one) => one.type !== 'null'), ...whole } : whole;
  const members = Object.keys(json.properties ?? {});
  into.set(name, {
    name,
    type: typeOf(json),
    typeText: nullable ? `${typeTextOf(json)} | null` : typeTextOf(json),
    default: typeOf(json) === 'group' ? undefined : json.default,
    description: json.description ?? '',
    path: json.path === true,
    secret: json.secret === true,
    nullable,
    members,
  });
  const below = (part: string): string => (name === '' ? part : `${name}.${part}`);
  for (const member of members) collect(json.properties?.[member] ?? {}, below(member), into);
  if (typeof json.additionalProperties === 'object') collect(json.additionalProperties, below('*'), into);
  if (json.items?.type === 'object') collect(json.items, `${name}[]`, into);
}

/** The settings that a schema describes, found by name. */
export class SettingCatalogue {
  readonly all: ReadonlyMap<string, SettingInfo>;

  constructor(schema: z.ZodType) {
    const all = new Map<string, SettingInfo>();
    collect(z.toJSONSchema(schema, { io: 'input' }) as Json, '', all);
    this.all = all;
  }

  /** Settings that hold a value of their own. */
  leaves(): SettingInfo[] {
    return [...this.all.values()].filter((info) => info.members.length === 0 && info.type !== 'group');
  }

  find(path: SettingPath): SettingInfo | undefined {
    let name = '';
    for (const part of path) {
      if (typeof part === 'number') {
        name = `${name}[]`;
        continue;
      }
      const below = name === '' ? part : `${name}.${part}`;
      if (this.all.has(below)) name = below;
      else if (this.all.has(`${name}.*`)) name = `${name}.*`;
      else return undefined;
    }
    return this.all.get(name);
  }

  /** Where a mistyped setting probably belongs, as the user would write it. */
  meant(path: SettingPath): { readonly text: string; readonly info: SettingInfo } | undefined {
    const parent = path.slice(0, -1);
    const last = String(path.at(-1));
    const sibling = closest(last, this.find(parent)?.members ?? []);
    if (sibling !== undefined) {
      const info = this.find([...parent, sibling]);
      if (info !== undefined) return { text: pathText([...parent, sibling]), info };
    }
    // Right name, wrong group: a setting of exactly this name that exists once elsewhere.
    const elsewhere = [...this.all.values()].filter((s) => !/[*[]/.test(s.name) && s.name.split('.').at(-1) === last);
    const [only] = elsewhere;
    return elsewhere.length === 1 && only !== undefined ? { text: only.name, info: only } : undefined;
  }
}

/** "number, 1–3600, default 15". */
export function expected(info: SettingInfo): string {
  if (info.type === 'group') return 'a group of settings';
  const plain = ['string', 'number', 'boolean'].includes(typeof info.default);
  return plain ? `${info.typeText}, default ${String(info.default)}` : info.typeText;
}

export const settingCatalogue = new SettingCatalogue(settingsSchema);
export const hostListCatalogue = new SettingCatalogue(z.array(hostEntry));
