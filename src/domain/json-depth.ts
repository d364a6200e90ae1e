/** Nothing that Kora reads from others nests deeper, so readers that recurse stay far from the end of the stack. */
const maximumJsonDepth = 32

/** Whether a value nests deeper than `limit`; reads it without recursion. */
export function isTooDeep (value: unknown, limit = maximumJsonDepth): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null
        ? Object.values(item).filter((inner) => typeof inner === 'object' && inner !== null)
        : []
    )
  }
  return false
}
