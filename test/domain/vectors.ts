/** The vectors of the identity rules, typed for the tests. */
import vectors from './vectors.json' with { type: 'json' }

export type Pair = [input: string, expected: string]
export const pairs = (list: string[][]): Pair[] => list as Pair[]

/** The vectors' day: what is in the future depends on it. */
export const today = vectors.today

export { vectors }
