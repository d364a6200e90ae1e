/** Faults that schemas find, in the form of the registry's: where, what was received, what is expected. */
import type { FastifySchemaValidationError } from 'fastify'
import { shown, step, type ClientFault } from '../../domain/client/faults.ts'
import type { QueryParameter } from './routes.ts'

const at = (body: unknown, pointer: string): unknown =>
  pointer
    .split('/')
    .slice(1)
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null
          ? (value as Record<string, unknown>)[name.replaceAll('~1', '/').replaceAll('~0', '~')]
          : undefined,
      body
    )

const codes: Readonly<Record<string, string>> = {
  type: 'wrong_type',
  enum: 'not_one_of',
  anyOf: 'not_one_of',
  const: 'not_one_of',
  maxLength: 'too_long',
  minimum: 'not_in_range',
  maximum: 'not_in_range',
  pattern: 'invalid',
  format: 'invalid',
  boolean: 'unknown'
}

// these identify people: what was typed is not repeated
const personal = new Set(['/text', '/last_four'])

/** Members of a body that its schema does not know, also of the parts of a patch, in which null removes a member. */
export function unknownMembers (schema: object, body: unknown, parts: Readonly<Record<string, object>>): ClientFault[] {
  const find = (at: string, known: object, given: unknown): ClientFault[] => {
    const names = Object.keys((known as { properties?: object }).properties ?? {})
    return typeof given !== 'object' || given === null
      ? []
      : Object.keys(given).flatMap((name) =>
        names.includes(name)
          ? []
          : [{ field: at + step(name.slice(0, 50)), code: 'unknown', received: '', expected: names.join(' | ') }]
      )
  }
  return [
    ...find('', schema, body),
    ...Object.entries(parts).flatMap(([name, part]) => find(`/${name}`, part, at(body, `/${name}`)))
  ]
}

/** One fault for each field. */
export function faultsOfSchema (errors: readonly FastifySchemaValidationError[], body: unknown): ClientFault[] {
  const faults = new Map<string, ClientFault>()
  const note = (fault: ClientFault): void => {
    if (!faults.has(fault.field)) faults.set(fault.field, fault)
  }
  for (const { keyword, instancePath, params } of errors) {
    // a closed object says it twice: of itself, and of each unknown member
    if (keyword === 'additionalProperties') continue
    const detail = params as {
      requiredProperties?: string[]
      allowedValues?: unknown[]
      limit?: number
      type?: unknown
      comparison?: string
    }
    if (keyword === 'required') {
      for (const name of detail.requiredProperties ?? []) {
        note({ field: instancePath + step(name), code: 'missing', received: '', expected: '' })
      }
    } else {
      const expected =
        detail.allowedValues?.join(' | ') ??
        (detail.limit === undefined ? String(detail.type ?? '') : `${detail.comparison ?? '≤'} ${detail.limit}`)
      note({
        field: instancePath,
        code: codes[keyword] ?? 'invalid',
        received: personal.has(instancePath) ? '' : shown(at(body, instancePath)),
        expected
      })
    }
  }
  return [...faults.values()]
}

/** Parameters that are unknown, duplicate, too long or malformed. */
export function faultsOfQuery (
  known: readonly QueryParameter[],
  query: Readonly<Record<string, unknown>>
): ClientFault[] {
  return Object.entries(query).flatMap(([name, value]): ClientFault[] => {
    const parameter = known.find((one) => one.name === name)
    // a value of an unknown parameter may be anything: it is not repeated
    if (parameter === undefined) {
      return [
        {
          field: step(name.slice(0, 50)),
          code: 'unknown',
          received: '',
          expected: known.map((one) => one.name).join(' | ')
        }
      ]
    }
    if (typeof value !== 'string') return [{ field: step(name), code: 'twice', received: '', expected: '1 ×' }]
    if (value === '' || value.length > 300 || value.includes('\0') || !value.isWellFormed()) {
      return [{ field: step(name), code: 'invalid', received: '', expected: parameter.description }]
    }
    if (parameter.values !== undefined && !parameter.values.includes(value)) {
      return [
        { field: step(name), code: 'not_one_of', received: shown(value), expected: parameter.values.join(' | ') }
      ]
    }
    if (parameter.pattern !== undefined && !new RegExp(parameter.pattern).test(value)) {
      return [{ field: step(name), code: 'invalid', received: shown(value), expected: parameter.description }]
    }
    return []
  })
}
