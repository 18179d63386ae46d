import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withoutSecrets } from '../../src/kernel/index.js';

it.each([
  ['postgres://vurti:geheim@db:5432/vurti is away', 'postgres://vurti:(secret)@db:5432/vurti is away'],
  ['postgresql://u:p@ss@db/x', 'postgresql://u:(secret)@db/x'],
  ['"https://admin:geheim@kvm-01/api"', '"https://admin:(secret)@kvm-01/api"'],
  ['http://127.0.0.1:8680/api/v1/vms/a@b', 'http://127.0.0.1:8680/api/v1/vms/a@b'],
  ['no answer from kvm-01:54321 in 5 s', 'no answer from kvm-01:54321 in 5 s'],
  [`token vurti_${'aB3-_'.repeat(9)} of x`, 'token vurti_(secret) of x'],
  ['schema vurti_demo', 'schema vurti_demo'],
  ['Authorization: Bearer abcdefghijklmnop.q', 'Authorization: Bearer (secret)'],
  ['POST needs the token: Authorization: Bearer …', 'POST needs the token: Authorization: Bearer …'],
  ['host=db password=geheim user=vurti', 'host=db password=(secret) user=vurti'],
  ['{"user":"a","password":"ge\\"heim","n":1}', '{"user":"a","password":"(secret)","n":1}'],
  ['a -----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY----- b', 'a (private key) b'],
  ['{"e":"-----BEGIN PRIVATE KEY-----\\nMIIB"}', '{"e":"(private key)"}'],
  ['{"e":"{\\"token\\":\\"geheim\\"}"}', '{"e":"{\\"token\\":\\"(secret)\\"}"}'],
  ['-----BEGIN CERTIFICATE-----\nMIIB', '-----BEGIN CERTIFICATE-----\nMIIB'],
])('%j', (text, clean) => {
  expect(withoutSecrets(text)).toBe(clean);
  expect(withoutSecrets(clean)).toBe(clean);
});

it('a long text takes no longer than its length', () => {
  const pieces = [
    'a://',
    'a:',
    '@',
    '-----BEGIN ',
    '-----BEGIN PRIVATE KEY-----',
    '"token":"',
    'bearer ',
    '\\',
    'a://b:',
  ];
  for (const piece of pieces) {
    const began = process.cpuUsage().user;
    expect(withoutSecrets(piece.repeat(20_000)).length).toBeGreaterThan(0);
    // Quadratic it would take minutes.
    expect(process.cpuUsage().user - began).toBeLessThan(3_000_000);
  }
});

it('leaves JSON valid', () => {
  const parts = fc.constantFrom(
    'password=',
    '"token":"',
    '\\',
    '"',
    'Bearer aaaaaaaaaaaaaaaaaaaa',
    'x://u:p@',
    '-----BEGIN PRIVATE KEY-----',
    '\n',
    'x',
    '{"password":"a"}',
  );
  fc.assert(
    fc.property(fc.array(parts), (some) => {
      JSON.parse(withoutSecrets(JSON.stringify({ msg: some.join('') })));
    }),
    { numRuns: 2000 },
  );
  expect(JSON.parse(withoutSecrets('{"msg":"password=a\\"b"}'))).toEqual({ msg: 'password=(secret)"b' });
});

it('leaves no password of a URL', () => {
  const password = fc.stringMatching(/^[\w!$*+,.:;=@~-]{6,20}$/);
  fc.assert(
    fc.property(password, fc.string(), (secret, before) => {
      expect(withoutSecrets(`${before} postgres://u:${secret}@db/x`).endsWith('postgres://u:(secret)@db/x')).toBe(true);
    }),
  );
});
