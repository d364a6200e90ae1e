/** Staff at the desk, over the world of the delegations' tests. */
import type { Act } from '../../../src/domain/administration/administration.ts'

export const act = (reason = '本人来电要求', actor: Act['actor'] = 'admin:adm_1'): Act => ({
  actor,
  reason,
  address: '10.0.0.9',
  traceId: 'trace-9'
})

/** At the counter: no words. */
export const operator = (name = 'adm_w'): Omit<Act, 'reason'> => ({
  actor: `admin:${name}`,
  address: '10.0.0.8',
  traceId: 'trace-8'
})

/** How often each answer came. */
export function counted<T extends string> (answers: T[]): Partial<Record<T, number>> {
  const counts: Partial<Record<T, number>> = {}
  for (const one of answers) counts[one] = (counts[one] ?? 0) + 1
  return counts
}
