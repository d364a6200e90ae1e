/**
 * What a change of a client changes: leaf by leaf, for the history, for the reader of `apply --diff` and for conflicts.
 */
import { step } from './faults.ts'

export interface ClientDifference {
  /** JSON pointer. */
  field: string
  /** Absent member: undefined (null once stored). */
  before: unknown
  after: unknown
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Text that is equal for equal JSON values, in every order of members. */
export function canonicalJson (value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map((item) => (item === undefined ? 'null' : canonicalJson(item))).join(',')}]`
  }
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  return `{${Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
    .join(',')}}`
}

/** Differences between two values; lists of objects and of text are compared as wholes, objects member by member. */
export function diffContent (before: unknown, after: unknown, field = ''): ClientDifference[] {
  if (canonicalJson(before) === canonicalJson(after) && (before === undefined) === (after === undefined)) return []
  if (!isObject(before) || !isObject(after)) return [{ field, before, after }]
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names.flatMap((name) => diffContent(before[name], after[name], field + step(name)))
}
