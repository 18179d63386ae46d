import { z } from 'zod';
import { shownAs } from '../inputs.js';
import { type SchemaName, schemas } from '../schema/answers.js';

export type JsonSchema = { [key: string]: unknown };

/** What zod says of numbers and times is exact, and says nothing to a reader. */
function plain(json: JsonSchema): void {
  if (json['minimum'] === Number.MIN_SAFE_INTEGER) delete json['minimum'];
  if (json['maximum'] === Number.MAX_SAFE_INTEGER) delete json['maximum'];
  if (json['format'] === 'date-time') delete json['pattern'];
  // Marks of settings, nothing of JSON Schema.
  delete json['path'];
  delete json['secret'];
  if (json['propertyNames'] !== undefined && Object.keys(json['propertyNames'] as object).join() === 'type') {
    delete json['propertyNames'];
  }
}

/** Of what a client sends: text that is read as something else shows as what it is read as. */
export function inputSchema(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      const shown = shownAs.get(zodSchema as unknown as z.ZodType);
      if (shown !== undefined) {
        for (const key of Object.keys(jsonSchema)) if (key !== 'description') delete jsonSchema[key];
        Object.assign(jsonSchema, structuredClone(shown.json));
      }
      plain(jsonSchema as JsonSchema);
    },
  });
  return json;
}

/**
 * Of all answers, by name. Within v1 keys are added: a reader of today must not mind those of tomorrow, so no schema
 * forbids what it does not know.
 */
export function answerSchemas(uriOf: (name: SchemaName) => string): Record<SchemaName, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, {
    uri: (id) => uriOf(id as SchemaName),
    override: ({ jsonSchema }) => {
      plain(jsonSchema as JsonSchema);
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return made.schemas as unknown as Record<SchemaName, JsonSchema>;
}
