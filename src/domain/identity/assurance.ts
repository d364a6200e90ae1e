/**
 * Assurance: how well a person is known (1–4), and how strong a login was (`acr`). Two numbers, both in the token.
 * 1 phone only · 2 name and number checked against the register · 3 face (or in person) against the authoritative
 * source · 4 certificate.
 */
export type Level = 1 | 2 | 3 | 4

const prefix = 'urn:kora:loa:'

export const acrValues = [1, 2, 3, 4].map((level) => `${prefix}${level}`)

export const acrOfLevel = (level: Level): string => `${prefix}${level}`

/** The level of one acr value, or undefined for a value that is not ours. */
export function levelOfAcr (acr: string): Level | undefined {
  const match = /^urn:kora:loa:([1-4])$/.exec(acr)
  return match ? (Number(match[1]) as Level) : undefined
}
