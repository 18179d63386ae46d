import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from '../../../src/server/index.js';
import { breaks } from '../../support/schema-compat.js';

const folder = new URL('../../../schemas/released/', import.meta.url);
type Document = ReturnType<typeof openApiDocument>;

describe('the API breaks nothing that was released', () => {
  it.each(readdirSync(folder))('%s', (file) => {
    const released = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Document;
    expect(breaks(released, openApiDocument())).toEqual([]);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: a document to be spoiled
type Spoil = (document: any) => void;

const spoiled = (spoil: Spoil): string[] => {
  const after = structuredClone(openApiDocument());
  spoil(after);
  return breaks(openApiDocument(), after);
};

describe('additions are no breaks', () => {
  const additions: [string, Spoil][] = [
    ['a key', (d) => Object.assign(d.components.schemas.Vm.properties, { mood: { type: 'string' } })],
    ['a key that is always there', (d) => d.components.schemas.Vm.required.push('mood')],
    ['a member of an enum', (d) => d.components.schemas.Vm.properties.status.enum.push('Dreaming')],
    [
      'a kind of inventory',
      (d) =>
        (d.components.schemas.InventoryEntry.oneOf ?? d.components.schemas.InventoryEntry.anyOf).push({
          type: 'object',
          properties: { entity: { const: 'network' } },
        }),
    ],
    ['a route', (d) => Object.assign(d.paths, { '/api/v1/new': { get: {} } })],
    ['a parameter', (d) => d.paths['/api/v1/vms'].get.parameters.push({ name: 'x', in: 'query', schema: {} })],
    ['a value of a parameter', (d) => d.paths['/api/v1/vms'].get.parameters[0].schema.items.enum.push('Dreaming')],
    [
      'a key of a body',
      (d) =>
        Object.assign(d.paths['/api/v1/vms'].post.requestBody.content['application/json'].schema.properties, {
          mood: {},
        }),
    ],
    [
      'what was null sometimes is never',
      (d) => Object.assign(d.components.schemas.Vm.properties, { since: d.components.schemas.Event.properties.time }),
    ],
    ['a failure that no longer happens', (d) => delete d.paths['/api/v1/vms'].get.responses['409']],
  ];
  it.each(additions)('%s', (_, spoil) => {
    expect(spoiled(spoil)).toEqual([]);
  });
});

describe('all else is', () => {
  const faults: [string, Spoil, RegExp][] = [
    ['a key is gone', (d) => delete d.components.schemas.Vm.properties.status, /Vm\.status: is gone/],
    ['a key is not always there', (d) => d.components.schemas.Vm.required.shift(), /Vm\.id: is not always there now/],
    [
      'another type',
      (d) => Object.assign(d.components.schemas.Host.properties.port, { type: 'string' }),
      /Host\.port: is string and was integer/,
    ],
    [
      'a number for an integer',
      (d) => Object.assign(d.components.schemas.Host.properties.port, { type: 'number' }),
      /Host\.port/,
    ],
    [
      'null where it never was',
      (d) => Object.assign(d.components.schemas.Event.properties, { time: d.components.schemas.Vm.properties.since }),
      /Event\.time: may be type null now/,
    ],
    [
      'a member of an enum is gone',
      (d) => d.components.schemas.Vm.properties.status.enum.pop(),
      /Vm\.status: .* is gone/,
    ],
    [
      'another kind',
      (d) => Object.assign(d.components.schemas.VmList.properties.kind, { const: 'Vms' }),
      /VmList\.kind: is Vms/,
    ],
    [
      'another form of time',
      (d) => delete d.components.schemas.Event.properties.time.format,
      /Event\.time: has another format/,
    ],
    [
      'deep inside',
      (d) => delete d.components.schemas.Status.properties.vms.properties.total,
      /Status\.vms\.total: is gone/,
    ],
    ['a schema is gone', (d) => delete d.components.schemas.Problem, /Problem: is gone/],
    ['a route is gone', (d) => delete d.paths['/api/v1/changes'], /GET \/api\/v1\/changes: is gone/],
    ['a parameter is gone', (d) => d.paths['/api/v1/vms'].get.parameters.shift(), /query status: is gone/],
    [
      'a parameter takes less',
      (d) => d.paths['/api/v1/vms'].get.parameters[0].schema.items.enum.pop(),
      /query status\.items: .* is gone/,
    ],
    [
      'a new parameter is needed',
      (d) => d.paths['/api/v1/vms'].get.parameters.push({ name: 'x', in: 'query', required: true }),
      /query x: is needed now/,
    ],
    [
      'a key of a body is needed',
      (d) => d.paths['/api/v1/vms'].post.requestBody.content['application/json'].schema.required.push('ha'),
      /body\.ha: is needed now/,
    ],
    [
      'a key of a body is gone',
      (d) => delete d.paths['/api/v1/vms'].post.requestBody.content['application/json'].schema.properties.ha,
      /body\.ha: is gone/,
    ],
    [
      'another status of success',
      (d) => Object.assign(d.paths['/api/v1/hosts'].post, { responses: { 200: {} } }),
      /POST \/api\/v1\/hosts 201: is gone/,
    ],
    [
      'another answer',
      (d) =>
        Object.assign(d.paths['/api/v1/status'].get.responses['200'].content['application/json'], {
          schema: { $ref: '#/components/schemas/Vm' },
        }),
      /GET \/api\/v1\/status 200: is .*Vm and was .*Status/,
    ],
  ];
  it.each(faults)('%s', (_, spoil, told) => {
    expect(spoiled(spoil).join('\n')).toMatch(told);
  });
});
