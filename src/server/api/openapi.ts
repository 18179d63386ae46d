import { type ErrorCode, errorRegistry } from '../../kernel/index.js';
import { VERSION } from '../../monitor/index.js';
import type { SchemaName } from '../schema/answers.js';
import { answerSchemas, inputSchema, type JsonSchema } from './json-schema.js';
import { isWrite, type Operation } from './operation.js';
import { operations } from './operations.js';

const refTo = (name: SchemaName): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const everywhere: readonly ErrorCode[] = [
  'BAD_REQUEST',
  'FORBIDDEN',
  'HOST_HEADER_REFUSED',
  'TOO_MANY_REQUESTS',
  'NOT_READY',
  'INTERNAL',
];
const withBody: readonly ErrorCode[] = ['BODY_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'];

/** Codes that a route may answer with. */
export function errorsOf(operation: Operation): ErrorCode[] {
  return [...new Set([...everywhere, ...(operation.body === undefined ? [] : withBody), ...(operation.errors ?? [])])];
}

function problems(operation: Operation): Record<string, JsonSchema> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errorsOf(operation)) {
    const status = errorRegistry[code].http;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus]
      .sort(([a], [b]) => a - b)
      .map(([status, codes]) => [
        String(status),
        {
          description: codes.map((code) => `${code}: ${errorRegistry[code].title}`).join('; '),
          content: { 'application/problem+json': { schema: refTo('Problem') } },
        },
      ]),
  );
}

function parameters(schema: JsonSchema | undefined, where: 'path' | 'query'): JsonSchema[] {
  if (schema === undefined) return [];
  const required = new Set(where === 'path' ? Object.keys(schema['properties'] as object) : []);
  return Object.entries(schema['properties'] as Record<string, JsonSchema>).map(([name, { description, ...json }]) => ({
    name,
    in: where,
    ...(required.has(name) ? { required: true } : {}),
    ...(description === undefined ? {} : { description }),
    ...(json['type'] === 'array' ? { style: 'form', explode: false } : {}),
    schema: json,
  }));
}

const notModified = {
  name: 'If-None-Match',
  in: 'header',
  description: 'ETag of an answer before: 304 when nothing is different.',
  schema: { type: 'string' },
};

function answered({ answer, etag }: Operation): JsonSchema {
  const headers = etag ? { headers: { ETag: { description: 'For If-None-Match.', schema: { type: 'string' } } } } : {};
  if ('mediaType' in answer) {
    const schema = answer.mediaType === 'application/json' ? { type: 'object' } : { type: 'string' };
    return { description: answer.description, ...headers, content: { [answer.mediaType]: { schema } } };
  }
  const [first, ...others] = answer.map(refTo);
  const schema = others.length === 0 ? first : { anyOf: [first, ...others] };
  const description = others.length === 0 ? 'The answer' : 'The answer; with `fields` its items have those keys alone';
  return { description, ...headers, content: { 'application/json': { schema } } };
}

function pathItem(operation: Operation): JsonSchema {
  const { id, tag, summary, description, params, query, body, status = 200, etag, access } = operation;
  const given = [
    ...parameters(params && inputSchema(params), 'path'),
    ...parameters(query && inputSchema(query), 'query'),
    ...(etag ? [notModified] : []),
  ];
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: access === 'open' ? [] : isWrite(operation) ? [{ token: [] }] : [{}, { token: [] }],
    ...(given.length === 0 ? {} : { parameters: given }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !body.safeParse(undefined).success,
            content: { 'application/json': { schema: inputSchema(body) } },
          },
        }),
    responses: {
      [String(status)]: answered(operation),
      ...(etag ? { '304': { description: 'Nothing is different from the answer with this ETag.' } } : {}),
      ...problems(operation),
    },
  };
}

/** The API as an OpenAPI 3.1 document, made of the schemas that check the requests. */
export function openApiDocument(): JsonSchema {
  const paths: Record<string, JsonSchema> = {};
  for (const operation of Object.values<Operation>(operations)) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: pathItem(operation) };
  }
  const components = Object.entries(answerSchemas((name) => `#/components/schemas/${name}`)).map(
    ([name, { $schema: _, $id: __, ...schema }]) => [name, schema],
  );
  return {
    openapi: '3.1.0',
    info: {
      title: 'vurti',
      version: VERSION,
      description:
        'State of virtualization hosts and their VMs. Times are RFC 3339 in UTC, units stand in names, null = not known, an absent key = not asked for. Within v1 keys and members of enums are only added. Errors are problem+json; docs/errors.md has their codes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: ['Service', 'Fleet', 'Log', 'Advice and commands', 'Inventory'].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries(components),
    },
  };
}
