import fc from 'fast-check';
import type { Json } from '../support/fixtures.js';
import { hostileValue, type Mutation, mutate, mutation } from '../support/mutations.js';
import { answer } from './answers.js';

/** One change of an answer; fractions say where. */
export interface Change {
  readonly kind: (typeof changes)[number];
  readonly at: number;
  readonly to: number;
  readonly value: unknown;
  readonly text: string;
  readonly mutation: Mutation;
}

const changes = [
  ...(['figure', 'figure', 'figure', 'figure', 'figures', 'figures', 'nothing'] as const),
  ...(['oddFigure', 'hostile', 'mutated', 'removed', 'added', 'moved', 'replaced', 'listedTwice', 'keyMoved'] as const),
  ...([
    'state',
    'spaces',
    'keyTwice',
    'escaped',
    'byte',
    'cut',
    'inserted',
    'deep',
    'otherList',
    'otherId',
    'state',
  ] as const),
] as const;

export const oddNumbers = [
  ...[
    '',
    ' ',
    '0',
    '-0',
    '-0.0',
    '00',
    '007',
    '1.',
    '.5',
    '-1',
    '-2',
    '-1.5',
    '+3',
    '1e3',
    '1E400',
    'NaN',
    '0x10',
    ' 12 ',
  ],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '9007199254740990.9', '123456789012345.99999999'],
  ...['18446744073709551615', '99999999999999999999999999999999999999999', '1000000000000001', '1e15', '-1e16'],
  ...[
    '0.1',
    '0.30000000000000004',
    '206866.29439789162',
    '123456789.123456789123456789',
    '5e-324',
    '1.7976931348623157e308',
  ],
  ...['12abc', 'true', 'null', '"', '\\', '\u00e9', '1\u0000'],
];

export const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...changes),
  at: fc.double({ min: 0, max: 0.999999, noNaN: true }),
  to: fc.double({ min: 0, max: 0.999999, noNaN: true }),
  value: hostileValue,
  text: fc.oneof(
    fc.constantFrom(...oddNumbers),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
  ),
  mutation,
});

export const pick = (fraction: number, size: number): number => Math.floor(fraction * size);

const figure = /"(?:-?\d+(?:\.\d+)?)"|(?<=[:[,]\s*)-?\d+(?:\.\d+)?/g;

/** Replaces the value of one number, wherever it stands. */
export function withFigure(text: string, at: number, value: (old: string) => string): string {
  const found = [...text.matchAll(figure)];
  const match = found[pick(at, found.length)];
  if (match === undefined) return text;
  return text.slice(0, match.index) + value(match[0]) + text.slice(match.index + match[0].length);
}

/** Replaces one text of the entry itself by a shorter, a longer or an odd one. */
function withText(text: string, at: number): string {
  const found = [...text.matchAll(/(?<="\w+":\s*)"[^"\\]*"/g)];
  const match = found[pick(at, found.length)];
  if (match === undefined) return text;
  const others = [
    '""',
    '"x"',
    `${match[0].slice(0, -1)}y"`,
    '"\u00e9\ud83d\ude00"',
    '"True"',
    '"Down"',
    '"7"',
    '"a\\u0041"',
  ];
  const other = others[pick((at * 97) % 1, others.length)] as string;
  return text.slice(0, match.index) + other + text.slice(match.index + match[0].length);
}

/** A number like the one before, as long as it or one digit longer or shorter. */
export function moved(old: string, by: number): string {
  const quote = old.startsWith('"') ? '"' : '';
  const number = quote === '' ? old : old.slice(1, -1);
  const decimals = number.split('.')[1]?.length ?? 0;
  return quote + Math.abs(Number(number) * 1.3 + by * 100).toFixed(Math.min(decimals, 15)) + quote;
}

/** The VMs of a host, and how its agent writes them down. */
export class Agent {
  /** Each VM's entry as text. */
  #vms: string[];
  readonly #spare: readonly string[];
  #spaces = '';

  constructor(vms: readonly string[], spare: readonly string[]) {
    this.#vms = [...vms];
    this.#spare = spare;
  }

  /** The next answer. What breaks the text itself is of this one alone. */
  next(list: readonly Change[]): Buffer {
    this.#mend();
    const broken: Change[] = [];
    for (const one of list) if (!this.#apply(one)) broken.push(one);
    let bytes = Buffer.from(this.#text());
    for (const one of broken) bytes = Buffer.from(brokenBy(one, bytes));
    return bytes;
  }

  /** What was broken in the last answer, and would hide all that follows, is whole again in this one. */
  #mend(): void {
    const ids = new Set<unknown>();
    this.#vms = this.#vms.filter((vm) => {
      const id = parsedOf(vm)?.['vmId'];
      return typeof id === 'string' && id !== '' && !ids.has(id) && ids.add(id);
    });
    if (this.#vms.length === 0) this.#vms.push(...this.#spare.slice(0, 2));
  }

  #text(): string {
    return answer(`[${this.#vms.join(`,${this.#spaces}`)}]`);
  }

  #apply(one: Change): boolean {
    const { kind, at, to, value, text } = one;
    const index = pick(at, this.#vms.length);
    const vm = this.#vms[index];
    const put = (next: string): true => {
      this.#vms[index] = next;
      return true;
    };
    switch (kind) {
      case 'nothing':
        return true;
      case 'removed':
        this.#vms.splice(index, 1);
        return true;
      case 'added':
        this.#vms.splice(index, 0, this.#spare[pick(to, this.#spare.length)] as string);
        // More would only be slower.
        if (this.#vms.length > 4) this.#vms.pop();
        return true;
      case 'spaces':
        this.#spaces = ['', ' ', '\n', '\t \r\n'][pick(to, 4)] as string;
        return true;
      default:
    }
    if (vm === undefined) return true;
    switch (kind) {
      case 'figure':
        return put(withFigure(vm, to, (old) => moved(old, to)));
      case 'figures': {
        let next = vm;
        for (let n = 0; n < 12; n++) next = withFigure(next, (to * (n + 1) * 7.31) % 1, (old) => moved(old, to * n));
        return put(next);
      }
      case 'oddFigure':
        return put(withFigure(vm, to, (old) => (old.startsWith('"') ? JSON.stringify(text) : text)));
      case 'replaced':
        return put(this.#spare[pick(to, this.#spare.length)] as string);
      case 'moved':
        this.#vms.splice(index, 1);
        this.#vms.splice(pick(to, this.#vms.length + 1), 0, vm);
        return true;
      case 'state':
        if (at < 0.5) return put(withText(vm, to));
        return put(vm.replace(/"status":\s*"[^"]*"/, `"status":"${['Up', 'Down', 'Paused'][pick(to, 3)]}"`));
      default:
    }
    const parsed = parsedOf(vm);
    if (parsed === undefined) return put(this.#spare[pick(to, this.#spare.length)] as string);
    const names = Object.keys(parsed);
    const name = names[pick(to, names.length)];
    switch (kind) {
      case 'hostile':
        if (name !== undefined && name !== '__proto__') parsed[name] = value;
        return put(JSON.stringify(parsed));
      case 'mutated':
        mutate(parsed, one.mutation, to < 0.9 ? ['vmId'] : []);
        return put(JSON.stringify(parsed));
      case 'keyMoved': {
        if (name === undefined || name === '__proto__') return true;
        const member = parsed[name];
        delete parsed[name];
        parsed[name] = member;
        return put(JSON.stringify(parsed));
      }
      default:
        return false;
    }
  }
}

export function brokenBy({ kind, at, to, text }: Change, bytes: Buffer): Buffer | string {
  const place = pick(at, bytes.length);
  const before = bytes.subarray(0, place);
  const whole = bytes.toString();
  switch (kind) {
    case 'cut':
      return before;
    case 'byte': {
      const copy = Buffer.from(bytes);
      copy[place] = pick(to, 256);
      return copy;
    }
    case 'inserted':
      return Buffer.concat([before, Buffer.from(text), bytes.subarray(place)]);
    case 'otherId':
      return whole.replace(/"id":"[^"]*"/, to < 0.5 ? '"id":"another"' : `"error":null,"id":${JSON.stringify(text)}`);
    case 'otherList':
      return whole.replace('"result":', to < 0.5 ? '"result":[],"result":' : '"x":{"y":[1]},"result" : ');
    case 'deep':
      return whole.replace('"vmName":', `"deep":${'['.repeat(pick(to, 70))}${']'.repeat(pick(to, 70))},"vmName":`);
    case 'keyTwice': {
      const members = [...whole.matchAll(/"(\w+)":\s*("[^"\\]*"|-?\d+)/g)];
      const member = members[pick(at, members.length)];
      const value = JSON.stringify(text);
      return member === undefined
        ? whole
        : `${whole.slice(0, member.index)}"${member[1]}":${value},${whole.slice(member.index)}`;
    }
    case 'escaped': {
      const texts = [...whole.matchAll(/"(\w)/g)];
      const one = texts[pick(at, texts.length)];
      if (one === undefined) return whole;
      const code = (one[1] as string).charCodeAt(0).toString(16).padStart(4, '0');
      return `${whole.slice(0, one.index + 1)}\\u${code}${whole.slice(one.index + 2)}`;
    }
    case 'listedTwice':
      return whole.replace(/\[(\{.*)\]\}$/s, (_, list: string) => `[${list},${list}]}`);
    default:
      return bytes;
  }
}

export function parsedOf(vm: string): Json | undefined {
  try {
    return JSON.parse(vm) as Json;
  } catch {
    return undefined;
  }
}
