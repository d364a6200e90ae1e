/**
 * Authentication levels as this provider writes them in `acr`: `urn:kora:loa:1` … `urn:kora:loa:4`, higher is stronger.
 */
export const LEVEL_3 = 'urn:kora:loa:3'

/** 1–4, or 0 for a missing or unknown value: what is not understood counts as no assurance at all. */
export function levelOf (acr: unknown): number {
  const digit = typeof acr === 'string' ? /^urn:kora:loa:([1-4])$/.exec(acr)?.[1] : undefined
  return Number(digit ?? 0)
}

/**
 * Whether `acr` is at least as strong as one of the space-separated `acrValues`. A value is met by itself, known or
 * not.
 */
export function satisfies (acr: unknown, acrValues: string): boolean {
  return acrValues
    .split(' ')
    .some((wanted) => acr === wanted || (levelOf(wanted) > 0 && levelOf(acr) >= levelOf(wanted)))
}
