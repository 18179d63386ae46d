import type { VmReport, VmStatsReport } from '../../model/index.js';

/** Where two readings of one answer differ, first place; null: nowhere. Asks both for everything. */
export function differenceOf(report: VmStatsReport, plain: VmStatsReport): string | null {
  if (report.complete !== plain.complete) return 'complete';
  if (report.size !== plain.size) return 'size';
  const problems = difference('problems', report.problems, plain.problems);
  if (problems !== null) return problems;
  const ids = [...report.ids()];
  let place = 0;
  for (const id of plain.ids()) {
    if (ids[place] !== id) return `ids[${place}]`;
    place += 1;
    if (!report.has(id)) return `has(${id})`;
    const found = differenceOfVms(id, report.get(id), plain.get(id));
    if (found !== null) return found;
  }
  const all = report.all();
  if (all.length !== plain.all().length) return 'all';
  const moved = plain.all().findIndex(({ vmId }, i) => all[i] !== report.get(vmId));
  return moved < 0 ? null : `all[${moved}]`;
}

function differenceOfVms(id: string, one: VmReport | undefined, plain: VmReport | undefined): string | null {
  if (one === undefined || plain === undefined) return one === plain ? null : id;
  const parts = ({ vmId, vmName, status, timestamp, dynamic, deviceHash, tpmHash, nvramHash }: VmReport): object => ({
    ...{ vmId, vmName, status, timestamp, dynamic, deviceHash, tpmHash, nvramHash },
  });
  return (
    difference(id, parts(one), parts(plain)) ??
    difference(`${id}.statistics`, one.statistics(), plain.statistics()) ??
    difference(`${id}.guestInterfaces`, one.guestInterfaces(), plain.guestInterfaces()) ??
    difference(`${id}.jobs`, one.jobs(), plain.jobs())
  );
}

/** First place where two values differ. `plain` is made of lists and plain objects; `one` may be views with the same members. */
export function difference(path: string, one: unknown, plain: unknown): string | null {
  if (Object.is(one, plain)) return null;
  if (typeof one !== 'object' || typeof plain !== 'object' || one === null || plain === null) return path;
  if (Array.isArray(plain)) {
    if (!Array.isArray(one) || one.length !== plain.length) return path;
    for (let i = 0; i < plain.length; i++) {
      const found = difference(`${path}[${i}]`, one[i], plain[i]);
      if (found !== null) return found;
    }
    return null;
  }
  const names = Object.keys(plain);
  // A view has its members in its class.
  if (Object.getPrototypeOf(one) === Object.prototype && Object.keys(one).length !== names.length) return path;
  for (const name of names) {
    const found = difference(`${path}.${name}`, Reflect.get(one, name), Reflect.get(plain, name));
    if (found !== null) return found;
  }
  return null;
}
