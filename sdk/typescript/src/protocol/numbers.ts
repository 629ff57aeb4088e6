/** Numbers as the wire has them: a number, decimal text, or nothing. What is none of these is nothing, never zero. */

const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

export type Mapping = { readonly [name: string]: unknown };

/** A finite number, or decimal text as amounts of dollars are written. */
export function numberOf(value: unknown): number | null {
  if (typeof value === 'string' ? !DECIMAL.test(value) : typeof value !== 'number') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

export function mappingOf(value: unknown): Mapping | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : null;
}
