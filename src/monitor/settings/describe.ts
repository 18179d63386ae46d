import { z } from 'zod';

/** `path`: a file name, counted from the settings file. `secret`: never shown. */
export interface SettingMeta {
  readonly path?: true;
  readonly secret?: true;
}

/** The description is the text of docs/settings.md. */
export const doc = <S extends z.ZodType>(schema: S, description: string, meta: SettingMeta = {}): S =>
  schema.meta({ description, ...meta });
export const whole = (from: number, to: number, description: string): z.ZodInt =>
  doc(z.int().min(from).max(to), description);
export const number = (from: number, to: number, description: string): z.ZodNumber =>
  doc(z.number().min(from).max(to), description);
