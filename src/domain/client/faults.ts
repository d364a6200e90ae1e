import { isUnsafeLine } from '../plain-text.ts'
/** Faults of a client, each field by itself, and the small readers that find them. */

export interface ClientFault {
  /** JSON pointer (RFC 6901) into `{kind, metadata, policy}`. */
  field: string
  /** Stable: key of the message (`clients.fault.<code>`). */
  code: string
  /** What was given, shortened; never a secret or private key. */
  received: string
  /** What is expected: a value, a list of values, or the rule in short. */
  expected: string
}

export type Report = (field: string, code: string, received: unknown, expected: string) => void

/** One step of a JSON pointer. */
export const step = (name: string | number): string => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** A value as it may be shown to its sender. */
export function shown (value: unknown): string {
  if (value === undefined) return ''
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`
}

export function createReport (): { faults: ClientFault[]; report: Report } {
  const faults: ClientFault[] = []
  return {
    faults,
    report: (field, code, received, expected) => {
      faults.push({ field, code, received: shown(received), expected })
    }
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Readers: each reports what it finds and gives the value when it is one. Undefined is no fault, unless said. */
export function readers (report: Report) {
  const text = (field: string, value: unknown, maximum: number, required = false): string | undefined => {
    if (value === undefined || value === '') {
      if (required) report(field, 'missing', value, `1–${maximum}`)
      return undefined
    }
    if (typeof value !== 'string') report(field, 'not_text', value, 'text')
    else if (value.trim() === '') report(field, 'missing', value, `1–${maximum}`)
    else if (isUnsafeLine(value)) report(field, 'unsafe_text', JSON.stringify(value), 'text')
    else if ([...value].length > maximum) report(field, 'too_long', value, `≤ ${maximum}`)
    else return value
    return undefined
  }
  const flag = (field: string, value: unknown): boolean | undefined => {
    if (value !== undefined && typeof value !== 'boolean') report(field, 'not_a_flag', value, 'true | false')
    return typeof value === 'boolean' ? value : undefined
  }
  const one = <const T extends string | number>(
    field: string,
    value: unknown,
    allowed: readonly T[],
    required = false
  ): T | undefined => {
    if (value === undefined && !required) return undefined
    if ((allowed as readonly unknown[]).includes(value)) return value as T
    report(field, value === undefined ? 'missing' : 'not_one_of', value, allowed.join(' | '))
    return undefined
  }
  const list = (field: string, value: unknown, maximum: number): unknown[] => {
    if (value === undefined) return []
    if (!Array.isArray(value)) {
      report(field, 'not_a_list', value, '[…]')
      return []
    }
    if (value.length > maximum) report(field, 'too_many', String(value.length), `≤ ${maximum}`)
    const seen = new Set<string>()
    const kept = value.slice(0, maximum)
    for (const [index, item] of kept.entries()) {
      const key = JSON.stringify(item) ?? ''
      if (seen.has(key)) report(field + step(index), 'twice', item, '1 ×')
      seen.add(key)
    }
    return kept
  }
  const some = <const T extends string>(field: string, value: unknown, allowed: readonly T[]): T[] =>
    list(field, value, 50).flatMap((item, index) => one(field + step(index), item, allowed, true) ?? [])
  const known = (field: string, value: Record<string, unknown>, names: readonly string[]): void => {
    for (const name of Object.keys(value)) {
      if (!names.includes(name)) report(field + step(name), 'unknown', name, nearest(name, names))
    }
  }
  const whole = (field: string, value: unknown, minimum: number, maximum: number): void => {
    if (value !== undefined && (!Number.isSafeInteger(value) || Number(value) < minimum || Number(value) > maximum)) {
      report(field, 'not_in_range', value, `${minimum}–${maximum}`)
    }
  }
  return { text, flag, one, list, some, known, whole }
}

export type Readers = ReturnType<typeof readers>

/** The name that was probably meant. */
function nearest (name: string, names: readonly string[]): string {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[_-]/g, '')
  const wanted = plain(name)
  const score = (candidate: string): number => {
    const other = plain(candidate)
    const letters = [...wanted].filter((letter) => other.includes(letter)).length
    return letters / Math.max(wanted.length, other.length) + (other.startsWith(wanted.slice(0, 3)) ? 0.5 : 0)
  }
  return [...names].sort((a, b) => score(b) - score(a))[0] ?? ''
}
