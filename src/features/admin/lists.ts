/**
 * Lists: filters stand in the address (so that a list can be shared), pages go on after a row (so that new rows shift
 * nothing), 50 rows a page, one query each. Values that identify a person are never filters: search for them by a form.
 */
import type { FastifyRequest } from 'fastify'
import type { Pager } from './models.ts'

export const pageSize = 50
/** Rows of one export. */
export const exportLimit = 5000

export interface ListRequest<F extends string> {
  path: string
  filters: Record<F, string>
  /** Key of the row after which the page begins. */
  after: string[] | null
  csv: boolean
  /** Ask the database for one more: whether there is a next page. */
  limit: number
}

const maxFilter = 200

function decodeCursor (text: unknown, parts: number): string[] | null {
  if (typeof text !== 'string' || text.length > 500) return null
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    return Array.isArray(value) && value.length === parts && value.every((part) => typeof part === 'string' && !part.includes('\0')) ? value as string[] : null
  } catch {
    return null
  }
}

/**
 * What a list was asked for. Unknown parameters are ignored, a broken cursor is the first page.
 * @param keyParts how many values `keyOf` of `pageOf` gives
 */
export function readList<F extends string> (request: FastifyRequest, names: readonly F[], keyParts: number): ListRequest<F> {
  const query = request.query as Record<string, unknown>
  const filters = Object.fromEntries(names.map((name) => {
    const value = query[name]
    return [name, typeof value === 'string' && value.length <= maxFilter && !value.includes('\0') ? value.trim() : '']
  })) as Record<F, string>
  const csv = query['format'] === 'csv'
  return { path: request.url.split('?', 1)[0] ?? '', filters, after: decodeCursor(query['after'], keyParts), csv, limit: (csv ? exportLimit : pageSize) + 1 }
}

const hrefOf = (path: string, filters: Record<string, string>, more: Record<string, string> = {}): string => {
  const set = new URLSearchParams(Object.entries({ ...filters, ...more }).filter(([, value]) => value !== ''))
  return set.size === 0 ? path : `${path}?${set.toString()}`
}

/** Cuts the one row too many and makes the links. */
export function pageOf<R, F extends string> (list: ListRequest<F>, rows: R[], keyOf: (row: R) => string[]): { rows: R[], pager: Pager } {
  const shown = rows.slice(0, list.limit - 1)
  const last = shown.at(-1)
  const cursor = rows.length > shown.length && last !== undefined ? Buffer.from(JSON.stringify(keyOf(last))).toString('base64url') : null
  return {
    rows: shown,
    pager: {
      nextHref: cursor === null ? null : hrefOf(list.path, list.filters, { after: cursor }),
      firstHref: list.after === null ? null : hrefOf(list.path, list.filters),
      csvHref: shown.length === 0 ? null : hrefOf(list.path, list.filters, { format: 'csv' })
    }
  }
}
