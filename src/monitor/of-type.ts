import { filter, type OperatorFunction } from 'rxjs';

/** Narrows a stream of named values to those of one name: `changes$.pipe(ofType('VmStateChanged'))`. */
export function ofType<T extends { readonly name: string }, N extends T['name']>(
  name: N,
): OperatorFunction<T, Extract<T, { readonly name: N }>> {
  return filter((value: T): value is Extract<T, { readonly name: N }> => value.name === name);
}
