/** An object without the members that are undefined: what was not reported is absent, not undefined. */
export function present<T extends object>(members: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  const result: Partial<T> = {};
  for (const name of Object.keys(members) as (keyof T)[]) {
    const value = members[name];
    if (value !== undefined) result[name] = value;
  }
  return result;
}
