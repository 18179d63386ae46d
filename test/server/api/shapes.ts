import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { answerSchemas } from '../../../src/server/index.js';

type Name = keyof ReturnType<typeof answerSchemas>;

/** Shipped schemas let pass what they do not know; here a key that none of them names is a mistake. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).map(([key, value]) => [key, closed(value)] as const);
  const shape = Object.fromEntries(members);
  const open = shape['properties'] !== undefined && shape['additionalProperties'] === undefined;
  return open ? { ...shape, additionalProperties: false } : shape;
}

const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, validateFormats: false, allErrors: true });
for (const schema of Object.values(answerSchemas((name) => `${name}.json`))) ajv.addSchema(closed(schema) as object);

const names: ReadonlySet<string> = new Set(Object.keys(answerSchemas((name) => name)));

/** The schema that an answer says it has. */
function nameOf(answer: unknown): Name {
  const { kind, code, status } = answer as { kind?: string; code?: string; status?: unknown };
  if (kind === undefined) return code !== undefined ? 'Problem' : status === 'alive' ? 'Liveness' : 'Problem';
  return (names.has(kind) && /List$|^Status$|^Readiness$/.test(kind) ? kind : `${kind}Answer`) as Name;
}

/** What is wrong with an answer of the API, or with what a command printed; empty: it has the shape it should have. */
export function shapeFaults(answer: unknown, as: Name = nameOf(answer)): string[] {
  const validate: ValidateFunction | undefined = ajv.getSchema(`${as}.json`);
  if (validate === undefined) return [`there is no schema ${as}`];
  if (validate(answer)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${as}${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
