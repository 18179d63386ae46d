/** 4s, 6m11s, 3d4h: the two largest units. */
export function duration(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const units: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'm'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => s >= size);
  if (first === -1) return '0s';
  const [size, unit] = units[first] as [number, string];
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((s % size) / next[0]);
  return `${Math.floor(s / size)}${unit}${rest > 0 && next !== undefined ? `${rest}${next[1]}` : ''}`;
}
