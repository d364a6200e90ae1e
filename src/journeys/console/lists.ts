/**
 * Lists: filters are in the address, which can be shared. Pages continue after a row, so new rows shift nothing. 50
 * rows a page, one query each. Values that identify a person are never filters: search for them by a form.
 */
import type { FastifyRequest } from 'fastify'

/** Links under a list. Null = there is nothing there. */
export interface Pager {
  nextHref: string | null
  firstHref: string | null
  csvHref: string | null
}

const pageSize = 50
/** Rows of one export. */
const exportLimit = 5000

export interface ListRequest<F extends string> {
  path: string
  filters: Record<F, string>
  /** Key of the row after which the page begins. */
  after: string[] | null
  csv: boolean
  /** The database is asked for one row more, which says whether there is a next page. */
  limit: number
}

const maxFilter = 200

/** What a part of a cursor is: anything else is no cursor of ours. */
export type KeyPart = 'text' | 'time' | 'number'

const fits: Readonly<Record<KeyPart, RegExp>> = {
  text: /^[^\0]*$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  number: /^\d{1,15}$/
}

function decodeCursor (text: unknown, parts: readonly KeyPart[]): string[] | null {
  if (typeof text !== 'string' || text.length > 500) return null
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    const good =
      Array.isArray(value) &&
      value.length === parts.length &&
      value.every((part, at) => {
        const kind = parts[at] ?? 'text'
        return (
          typeof part === 'string' && fits[kind].test(part) && (kind !== 'time' || !Number.isNaN(Date.parse(part)))
        )
      })
    return good ? (value as string[]) : null
  } catch {
    return null
  }
}

/**
 * The parameters of a list. Unknown parameters are ignored, a broken cursor means the first page.
 * @param key the values that `keyOf` of `pageOf` gives: `time` is an ISO moment (order by `date_trunc('milliseconds',
 * …)`); a number = so many texts
 */
export function readList<F extends string> (
  request: FastifyRequest,
  names: readonly F[],
  key: readonly KeyPart[] | number
): ListRequest<F> {
  const parts = typeof key === 'number' ? Array.from({ length: key }, () => 'text' as const) : key
  const query = request.query as Record<string, unknown>
  const filters = Object.fromEntries(
    names.map((name) => {
      const value = query[name]
      return [
        name,
        typeof value === 'string' && value.length <= maxFilter && !value.includes('\0') ? value.trim() : ''
      ]
    })
  ) as Record<F, string>
  const csv = query['format'] === 'csv'
  return {
    path: request.url.split('?', 1)[0] ?? '',
    filters,
    after: decodeCursor(query['after'], parts),
    csv,
    limit: (csv ? exportLimit : pageSize) + 1
  }
}

/** Number of the row after which the page begins, of a list whose key is one number. */
export const readAfter = ({ after }: Pick<ListRequest<string>, 'after'>): number | null =>
  after === null ? null : Number(after[0])

const buildHref = (path: string, filters: Record<string, string>, more: Record<string, string> = {}): string => {
  const set = new URLSearchParams(Object.entries({ ...filters, ...more }).filter(([, value]) => value !== ''))
  return set.size === 0 ? path : `${path}?${set.toString()}`
}

/** Cuts the one row too many and makes the links. */
export function buildPage<R, F extends string> (
  list: ListRequest<F>,
  rows: R[],
  keyOf: (row: R) => string[]
): { rows: R[]; pager: Pager } {
  const shown = rows.slice(0, list.limit - 1)
  const last = shown.at(-1)
  const cursor =
    rows.length > shown.length && last !== undefined
      ? Buffer.from(JSON.stringify(keyOf(last))).toString('base64url')
      : null
  return {
    rows: shown,
    pager: {
      nextHref: cursor === null ? null : buildHref(list.path, list.filters, { after: cursor }),
      firstHref: list.after === null ? null : buildHref(list.path, list.filters),
      csvHref: shown.length === 0 ? null : buildHref(list.path, list.filters, { format: 'csv' })
    }
  }
}
