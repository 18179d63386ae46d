import {
  type Columns,
  DISK_FIGURES,
  diskFigureAt,
  diskStatisticsFields,
  type Fields,
  figureAt,
  NIC_FIGURES,
  nicFigureAt,
  type RowWrite,
  type VmColumns,
  vmInterfaceStatisticsFields,
  vmStatisticsFields,
} from '../model/index.js';

/**
 * A VM's usage as numbers in one row: its own figures, then those of each nic, then of each disk, NaN where nothing is
 * known. Names and places are those of the columns; what is kept in memory only stands last there and is left out.
 */
export const OWN_FIGURES = figureAt.migrationProgress;

export function figureCount(columns: VmColumns): number {
  return OWN_FIGURES + NIC_FIGURES * columns.nics.length + DISK_FIGURES * columns.disks.length;
}

interface Part {
  readonly fields: Fields;
  /** Name of the field at each place. */
  readonly names: readonly string[];
  /** Places whose columns hold whole numbers. */
  readonly whole: readonly number[];
}

function partOf(fields: Fields, places: Readonly<Record<string, number>>): Part {
  const names = Object.keys(places).sort((a, b) => (places[a] as number) - (places[b] as number));
  const isWhole = (name: string): boolean => ['int', 'count'].includes(fields[name]?.kind ?? '');
  return { fields, names, whole: names.filter(isWhole).map((name) => places[name] as number) };
}

const own = partOf(vmStatisticsFields, figureAt);
const nicPart = partOf(vmInterfaceStatisticsFields, nicFigureAt);
const diskPart = partOf(diskStatisticsFields, diskFigureAt);

/** Why no column could hold a figure, as `storable` says it of a row; null: all can be stored. */
export function unfitFigure(columns: VmColumns): string | null {
  let found = unfitIn(columns, own);
  for (const nic of columns.nics) found ??= unfitIn(nic, nicPart);
  for (const disk of columns.disks) found ??= unfitIn(disk, diskPart);
  return found;
}

function unfitIn({ at, first }: Columns, { fields, names, whole }: Part): string | null {
  for (let i = 0; i < whole.length; i++) {
    const place = whole[i] as number;
    const value = at[first + place] as number;
    // NaN is nothing, and differs from itself.
    if (Number.isSafeInteger(value) || Number.isNaN(value)) continue;
    return `${fields[names[place] as string]?.column}: ${value} is not a whole number within ±2^53`;
  }
  return null;
}

/** The plain twin: the rows that the usage stands for. */
export function usageRows(columns: VmColumns): RowWrite[] {
  return [
    { kind: 'vm_statistics', row: columns.statisticsRow() },
    ...columns.nics.map((nic): RowWrite => ({ kind: 'vm_interface_statistics', row: columns.nicRow(nic) })),
    ...columns.disks.map((disk): RowWrite => ({ kind: 'disk_image_dynamic', row: columns.diskRow(disk) })),
  ];
}
