import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCursor, parseCursor } from '../../src/events/index.js';

const invalid = expect.objectContaining({ code: 'CURSOR_INVALID' });

describe('cursor', () => {
  it('reads what it wrote', () => {
    const cursor = fc.record({ epoch: fc.nat({ max: 999_999_999 }), seq: fc.nat({ max: 999_999_999_999_999 }) });
    fc.assert(
      fc.property(cursor, (place) => {
        expect(parseCursor(formatCursor(place))).toEqual(place);
      }),
    );
  });

  it('has a form that people can tell apart', () => {
    expect(formatCursor({ epoch: 3, seq: 184467 })).toBe('e3.184467');
    expect(parseCursor('e0.0')).toEqual({ epoch: 0, seq: 0 });
  });

  it.each([
    ...['', 'oldest', '17', 'e1', 'e1.', 'e.1', '1.2', 'e1.2.3', 'E1.2', ' e1.2', 'e1.2\n', 'e-1.2', 'e1.5e3'],
    // Longer numbers would lose digits.
    ...['e1.1234567890123456', 'e1234567890.1'],
  ])('refuses %j', (text) => {
    expect(() => parseCursor(text)).toThrow(invalid);
  });

  it('does not repeat a long text in the error', () => {
    const refuse = (): unknown => parseCursor('x'.repeat(10_000));
    expect(refuse).toThrow(invalid);
    expect(refuse).toThrow(/^.{1,80}$/);
  });
});
