/**
 * What a later API may not do to the clients of an earlier one, by comparing two OpenAPI documents of ours. Within v1
 * answers may only gain keys and members of enums, requests may only gain what is not needed.
 */
type Json = { readonly [key: string]: unknown };

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Of an answer a client reads what is there; of a request the service takes what the client sends. */
type Way = 'answer' | 'request';

export function breaks(before: Json, after: Json): string[] {
  const found: string[] = [];
  const schemasOf = (document: Json): Json => object(object(document['components'])['schemas']);
  for (const [name, schema] of Object.entries(schemasOf(before))) {
    const now = schemasOf(after)[name];
    if (now === undefined) found.push(`${name}: is gone`);
    else found.push(...compare(object(schema), object(now), 'answer', name));
  }
  for (const [path, methods] of Object.entries(object(before['paths']))) {
    for (const [method, operation] of Object.entries(object(methods))) {
      const now = object(object(after['paths'])[path])[method];
      const where = `${method.toUpperCase()} ${path}`;
      if (now === undefined) found.push(`${where}: is gone`);
      else found.push(...operationBreaks(object(operation), object(now), where));
    }
  }
  return found;
}

function operationBreaks(before: Json, after: Json, where: string): string[] {
  const found: string[] = [];
  const parameters = (operation: Json) =>
    new Map(list(operation['parameters']).map((one) => [`${object(one)['in']} ${object(one)['name']}`, object(one)]));
  const [were, are] = [parameters(before), parameters(after)];
  for (const [name, parameter] of were) {
    const now = are.get(name);
    if (now === undefined) found.push(`${where} ${name}: is gone`);
    else found.push(...compare(object(parameter['schema']), object(now['schema']), 'request', `${where} ${name}`));
  }
  for (const [name, parameter] of are) {
    if (parameter['required'] === true && were.get(name)?.['required'] !== true)
      found.push(`${where} ${name}: is needed now`);
  }
  const body = (operation: Json): Json =>
    object(object(object(object(operation['requestBody'])['content'])['application/json'])['schema']);
  if (object(after['requestBody'])['required'] === true && object(before['requestBody'])['required'] !== true)
    found.push(`${where} body: is needed now`);
  if (Object.keys(body(before)).length > 0)
    found.push(...compare(body(before), body(after), 'request', `${where} body`));
  for (const [status, response] of Object.entries(object(before['responses']))) {
    const now = object(after['responses'])[status];
    if (now === undefined) {
      // A failure that no longer happens harms nobody.
      if (status < '300') found.push(`${where} ${status}: is gone`);
      continue;
    }
    for (const [type, content] of Object.entries(object(object(response)['content']))) {
      const other = object(object(now)['content'])[type];
      if (other === undefined) found.push(`${where} ${status} ${type}: is gone`);
      else
        found.push(
          ...compare(
            object(object(content)['schema']),
            object(object(other)['schema']),
            'answer',
            `${where} ${status}`,
          ),
        );
    }
  }
  return found;
}

/** What tells the variants of a schema apart. */
function keyOf(schema: Json): string {
  if (schema['$ref'] !== undefined) return String(schema['$ref']);
  const constant = Object.entries(object(schema['properties'])).find(([, one]) => object(one)['const'] !== undefined);
  if (constant !== undefined) return `${constant[0]}=${String(object(constant[1])['const'])}`;
  return `type ${String(schema['type'])}`;
}

const variantsOf = (schema: Json): readonly Json[] => list(schema['anyOf'] ?? schema['oneOf']).map(object);
const typesOf = (schema: Json): readonly unknown[] => (schema['type'] === undefined ? [] : [schema['type']].flat());

function compare(before: Json, after: Json, way: Way, where: string): string[] {
  const found: string[] = [];
  if (before['$ref'] !== after['$ref']) return [`${where}: is ${keyOf(after)} and was ${keyOf(before)}`];
  if (variantsOf(before).length > 0 || variantsOf(after).length > 0) return compareVariants(before, after, way, where);
  const [wider, narrower] = way === 'answer' ? [before, after] : [after, before];
  const allowed = typesOf(wider);
  // No type at all: anything.
  const more =
    allowed.length === 0
      ? []
      : typesOf(narrower).filter(
          (type) => !allowed.includes(type) && !(type === 'integer' && allowed.includes('number')),
        );
  if (more.length > 0 || (allowed.length > 0 && typesOf(narrower).length === 0))
    found.push(
      `${where}: is ${typesOf(after).join('|') || 'anything'} and was ${typesOf(before).join('|') || 'anything'}`,
    );
  if (before['const'] !== after['const'])
    found.push(`${where}: is ${String(after['const'])} and was ${String(before['const'])}`);
  if (way === 'answer' && before['format'] !== after['format']) found.push(`${where}: has another format`);
  found.push(...enumBreaks(before, after, way, where), ...propertyBreaks(before, after, way, where));
  for (const part of ['items', 'additionalProperties'] as const) {
    if (typeof before[part] === 'object' && typeof after[part] === 'object')
      found.push(...compare(object(before[part]), object(after[part]), way, `${where}.${part}`));
  }
  return found;
}

function compareVariants(before: Json, after: Json, way: Way, where: string): string[] {
  const wrapped = (schema: Json): readonly Json[] => (variantsOf(schema).length > 0 ? variantsOf(schema) : [schema]);
  const [were, are] = [wrapped(before), wrapped(after)];
  const found: string[] = [];
  for (const variant of were) {
    const now = are.find((one) => keyOf(one) === keyOf(variant));
    if (now !== undefined) found.push(...compare(variant, now, way, where));
    else if (way === 'request' || keyOf(variant) !== 'type null') found.push(`${where}: ${keyOf(variant)} is gone`);
  }
  for (const variant of are) {
    // A further kind of thing is as a further member of an enum; a further type is not.
    const isNew = !were.some((one) => keyOf(one) === keyOf(variant));
    if (isNew && way === 'answer' && !keyOf(variant).includes('='))
      found.push(`${where}: may be ${keyOf(variant)} now`);
  }
  return found;
}

function enumBreaks(before: Json, after: Json, way: Way, where: string): string[] {
  const [was, is] = [before['enum'], after['enum']];
  if (was === undefined) return is !== undefined && way === 'request' ? [`${where}: takes some values alone now`] : [];
  if (is === undefined) return way === 'answer' ? [`${where}: may be anything now`] : [];
  return list(was)
    .filter((member) => !list(is).includes(member))
    .map((member) => `${where}: ${String(member)} is gone`);
}

function propertyBreaks(before: Json, after: Json, way: Way, where: string): string[] {
  const found: string[] = [];
  const [were, are] = [object(before['properties']), object(after['properties'])];
  const [needed, neededNow] = [list(before['required']), list(after['required'])];
  for (const [name, schema] of Object.entries(were)) {
    const now = are[name];
    if (now === undefined) found.push(`${where}.${name}: is gone`);
    else found.push(...compare(object(schema), object(now), way, `${where}.${name}`));
    if (now !== undefined && way === 'answer' && needed.includes(name) && !neededNow.includes(name))
      found.push(`${where}.${name}: is not always there now`);
  }
  if (way === 'request') {
    for (const name of neededNow) if (!needed.includes(name)) found.push(`${where}.${String(name)}: is needed now`);
  }
  return found;
}
