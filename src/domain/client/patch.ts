/**
 * A change of a client as a patch with its basis: each member with the value that it was requested from. It stays valid
 * while these members have those values, independent of other changes.
 */
import { canonicalJson, diffContent, type ClientDifference } from './diff.ts'
import type { ClientContent } from './record.ts'

export type ClientPatch = ClientDifference[]

export const createPatch = (from: ClientContent, to: ClientContent): ClientPatch =>
  diffContent(pick(from), pick(to)).map(({ field, before, after }) => ({ field, before, after }))

const pick = ({ kind, metadata, policy }: ClientContent): ClientContent => ({ kind, metadata, policy })

/** The content with the patch; null: a member is no longer what it was asked from. */
export function applyPatch (content: ClientContent, patch: ClientPatch): ClientContent | null {
  const patched = structuredClone(pick(content)) as unknown as Record<string, unknown>
  for (const { field, before, after } of patch) {
    const names = field.slice(1).split('/').map(unescape)
    const last = names.pop() ?? ''
    let parent: unknown = patched
    for (const name of names) parent = isObject(parent) && Object.hasOwn(parent, name) ? parent[name] : undefined
    if (!isObject(parent)) return null
    const now = Object.hasOwn(parent, last) ? parent[last] : undefined
    if (!isEqual(now, before)) return null
    if (after === undefined) Reflect.deleteProperty(parent, last)
    else Object.defineProperty(parent, last, { value: after, enumerable: true, configurable: true, writable: true })
  }
  return patched as unknown as ClientContent
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isEqual = (one: unknown, other: unknown): boolean =>
  (one === undefined) === (other === undefined) && canonicalJson(one) === canonicalJson(other)
// RFC 6901 §4
const unescape = (name: string): string => name.replaceAll('~1', '/').replaceAll('~0', '~')

/** Whether two pointers name the same member, or one of them a part of the other. */
export const isSameMember = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}/`) || other.startsWith(`${one}/`)

/** Two patches of one person as one: the later decides a member of both, lists of text keep the additions of both. */
export function mergePatches (earlier: ClientPatch, later: ClientPatch): ClientPatch {
  const kept = earlier.filter(({ field }) => !later.some((one) => isSameMember(one.field, field)))
  const decided = later.map((change) => {
    const same = earlier.find(({ field }) => field === change.field)
    if (same === undefined || !isEqual(same.before, change.before)) return change
    const [before, first, second] = [change.before ?? [], same.after, change.after]
    if (!isTexts(before) || !isTexts(first) || !isTexts(second)) return change
    const removed = before.filter((text) => !first.includes(text))
    const added = first.filter((text) => !before.includes(text) && !second.includes(text))
    return { ...change, after: [...second.filter((text) => !removed.includes(text)), ...added] }
  })
  return [...kept, ...decided]
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
