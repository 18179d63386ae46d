import Table from 'cli-table3';
import { type Paint, paint, type Style } from './style.js';
import { escapeControl, widthOf } from './text.js';

export interface Column<R> {
  readonly header: string;
  readonly text: (row: R) => string;
  readonly paint?: (row: R) => Paint | undefined;
  readonly right?: boolean;
}

const GAP = 2;
const borders = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
] as const;
const noBorders = { ...Object.fromEntries(borders.map((name) => [name, ''])), middle: ' '.repeat(GAP) };

/**
 * Columns under headers. On a terminal that is too narrow columns drop from the right; the first one, the name, stays
 * and is never cut.
 */
export function renderTable<R>(
  columns: readonly Column<R>[],
  rows: readonly R[],
  style: Style,
  headers = true,
): string[] {
  const cells = rows.map((row) => columns.map((column) => escapeControl(column.text(row))));
  const widths = columns.map((column, i) =>
    Math.max(headers ? widthOf(column.header) : 0, ...cells.map((row) => widthOf(row[i] ?? ''))),
  );
  let shown = columns.length;
  const total = (): number => widths.slice(0, shown).reduce((sum, width) => sum + width + GAP, -GAP);
  while (style.columns !== null && shown > 1 && total() > style.columns) shown -= 1;

  const table = new Table({
    chars: noBorders,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: widths.slice(0, shown),
    colAligns: columns.slice(0, shown).map((column) => (column.right ? 'right' : 'left')),
  });
  if (headers) table.push(columns.slice(0, shown).map((column) => paint(style, 'dim', column.header)));
  rows.forEach((row, r) => {
    table.push(columns.slice(0, shown).map((column, c) => paint(style, column.paint?.(row), cells[r]?.[c] ?? '')));
  });
  if (table.length === 0) return [];
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}
