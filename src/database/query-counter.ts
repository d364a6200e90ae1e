import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Counts the statements that run inside `queryCounter.run({ queries: 0 }, …)`, the same on both engines: transaction
 * control (begin, commit, savepoints) is not counted.
 */
export const queryCounter = new AsyncLocalStorage<{ queries: number }>()

const control = /^(begin|start transaction|commit|rollback|savepoint|release)\b/i

/** Called by the drivers once for each statement they send. */
export function countQuery (text: string): void {
  const counter = queryCounter.getStore()
  if (counter !== undefined && !control.test(text)) counter.queries += 1
}
