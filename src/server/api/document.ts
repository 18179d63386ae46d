import { errorRegistry } from '../../kernel/index.js';
import type { SchemaName } from '../schema/answers.js';
import { answerSchemas, inputSchema, type JsonSchema } from './json-schema.js';
import { errorsOf } from './openapi.js';
import { isWrite, type Operation } from './operation.js';
import { operations } from './operations.js';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const nameOfRef = (ref: unknown): string => String(ref).replace('#', '');
const link = (name: string): string =>
  name.startsWith('Partial') ? `${name} (below)` : `[${name}](#${name.toLowerCase()})`;
/** More of them are told elsewhere. */
const MOST_MEMBERS = 24;

function typeText(json: JsonSchema): string {
  if (typeof json['$ref'] === 'string') return link(nameOfRef(json['$ref']));
  if (json['const'] !== undefined) return `\`${JSON.stringify(json['const'])}\``;
  const members = json['enum'] as readonly unknown[] | undefined;
  if (members !== undefined) {
    const shown = members.slice(0, MOST_MEMBERS).map((member) => `\`${String(member)}\``);
    return `${shown.join(' ')}${members.length > shown.length ? ' …' : ''}`;
  }
  const either = (json['anyOf'] ?? json['oneOf']) as readonly JsonSchema[] | undefined;
  if (either !== undefined) return [...new Set(either.map(typeText))].join(' or ');
  if (json['type'] === 'array') return `list of ${typeText((json['items'] ?? {}) as JsonSchema)}`;
  if (json['type'] === 'object') {
    const keys = Object.keys((json['properties'] ?? {}) as object);
    if (keys.length > 0) return `{ ${keys.join(', ')} }`;
    return 'object';
  }
  if (json['format'] === 'date-time') return 'time';
  const { minimum, maximum } = json;
  const range = minimum !== undefined && maximum !== undefined ? ` ${String(minimum)}–${String(maximum)}` : '';
  return `${[json['type'] ?? 'any'].flat().join(' or ')}${range}`;
}

function rows(schema: JsonSchema, always: boolean): string[] {
  const required = new Set((schema['required'] ?? []) as string[]);
  return Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).map(([name, json]) => {
    const mark = always ? (required.has(name) ? '' : ' (not always)') : required.has(name) ? ' (needed)' : '';
    const otherwise = json['default'] === undefined ? '' : ` Default: \`${JSON.stringify(json['default'])}\`.`;
    return `| \`${name}\`${mark} | ${cell(typeText(json))} | ${cell(`${String(json['description'] ?? '')}${otherwise}`)} |`;
  });
}

const table = (heading: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`| ${heading} | type | meaning |`, '|---|---|---|', ...lines, ''];

function operationText(operation: Operation): string {
  const { method, path, summary, description, params, query, body, answer, status = 200, etag } = operation;
  const answered =
    'mediaType' in answer ? `${answer.description} (\`${answer.mediaType}\`)` : answer.map(link).join(' or ');
  const errors = errorsOf(operation).filter((code) => operation.errors?.includes(code));
  const codes = errors.map((code) => `\`${code}\` ${errorRegistry[code].http}`).join(', ');
  return [
    `### ${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    '',
    `${summary}${summary.endsWith('?') ? '' : '.'}${isWrite(operation) ? ' Needs the token.' : ''}${description === undefined ? '' : ` ${description}`}`,
    '',
    ...table('in the path', params === undefined ? [] : rows(inputSchema(params), true)),
    ...table('parameter', query === undefined ? [] : rows(inputSchema(query), false)),
    ...table('in the body', body === undefined ? [] : rows(inputSchema(body), false)),
    `Answer: ${status} ${answered}${etag ? ', with an ETag' : ''}${codes === '' ? '' : ` · ${codes}`}`,
  ].join('\n');
}

function schemaText(name: SchemaName, schema: JsonSchema): string {
  const variants = (schema['anyOf'] ?? schema['oneOf']) as readonly JsonSchema[] | undefined;
  const tables = (variants ?? [schema]).flatMap((one) => table('key', rows(one, true)));
  return [`### ${name}`, '', ...tables].join('\n').trimEnd();
}

/** docs/api.md */
export function apiDocument(generated: string): string {
  const all = Object.values<Operation>(operations);
  const tags = [...new Set(all.map(({ tag }) => tag))];
  const schemas = Object.entries(answerSchemas((name) => `#${name}`)) as [SchemaName, JsonSchema][];
  return `# HTTP API

${generated}

\`GET /openapi.json\` is this page as an OpenAPI 3.1 document, \`GET /docs\` is a page to try it, and \`schemas/v1\` of the package has the shapes as JSON Schemas.
The commands with \`--json\` print the same shapes.

- Times are RFC 3339 in UTC with milliseconds; units stand in names; \`null\` = not known, an absent key = not asked for. Integers beyond 2^53 are strings.
- Within v1 keys and members of enums are only added: a client must not mind what it does not know.
- Each answer begins with \`apiVersion\`, \`kind\`, \`asOf\`, \`cursor\` and \`status\`. The headers \`x-vurti-status\` and \`x-vurti-remaining\` say the same of the service on every answer.
- **Lists of parameters** stand with commas (\`status=Up,Paused\`) or repeated. Names, ids and unique beginnings of ids are accepted everywhere.
- **Pages**: \`limit=100\`, then \`after\` = \`next\` of the page before, until \`next\` is null. What comes and goes meanwhile hides nothing that stays. The cursor of a page is opaque.
- **Fields**: \`fields=name,status\` gives those keys alone; the kind of the answer is then \`Partial…\`.
- **ETag**: sent back in If-None-Match, an answer that is no different is 304 without a body. Figures that age (usage, times of reports, freshness) count in steps of 15 s, and not at all where \`fields\` names none of them.
- **Changes**: read a list, keep its \`cursor\`, then \`GET /api/v1/changes?after=CURSOR&wait=30\`, and so on with the \`cursor\` of each answer.
- **Errors** are \`application/problem+json\` with a \`code\` of [errors.md](errors.md), a \`hint\`, and whether it is \`retryable\`. Every route may answer ${errorsOf(
    operations.status,
  )
    .map((code) => `\`${code}\` (${errorRegistry[code].http})`)
    .join(', ')}.
- **Writes** need \`Authorization: Bearer TOKEN\` with scope admin (\`vurti tokens add\`); reads need a token only where the service listens beyond this machine. None of them makes a host do anything.

\`\`\`
curl -s 'http://127.0.0.1:8680/api/v1/vms?status=Paused,Unknown&fields=name,status,host'
\`\`\`

${tags
  .map((tag) => [`## ${tag}`, ...all.filter((one) => one.tag === tag).map(operationText)].join('\n\n'))
  .join('\n\n')}

## Shapes

${schemas
  .filter(([name]) => !name.startsWith('Partial'))
  .map(([name, schema]) => schemaText(name, schema))
  .join('\n\n')}

\`Partial…\` lists have the same keys; their items have those alone that \`fields\` names.
`;
}
