/**
 * The documents that an unknown address may mean: compared by letters, so a spelling mistake or an old name still leads
 * somewhere.
 */
import type { DocumentEntry } from './documents.ts'

/** Edits that turn one text into another (Levenshtein). Both short: the caller cuts. */
export function distance (a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(
        Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1))
      )
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** The three nearest, best first. @param path what comes after /developers/ */
export function nearest (path: string, entries: readonly DocumentEntry[]): DocumentEntry[] {
  const wanted = path
    .toLowerCase()
    .replace(/\.(html?|md)$/, '')
    .slice(0, 40)
  // a name within the other one is nearer than most edits
  const between = (name: string): number =>
    Math.min(
      wanted !== '' && (wanted.includes(name) || name.includes(wanted)) ? 0.4 : 1,
      distance(wanted, name) / Math.max(wanted.length, name.length)
    )
  const score = ({ slug, alike }: DocumentEntry): number =>
    Math.min(...[slug === '' ? 'quick-start' : slug, ...alike].map(between))
  return entries
    .map((entry) => ({ entry, score: score(entry) }))
    .sort((a, b) => a.score - b.score)
    .slice(0, 3)
    .map(({ entry }) => entry)
}
