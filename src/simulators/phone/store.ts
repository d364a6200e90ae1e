/** Journeys under way, to be continued step by step: in memory, at most 500 of them, 15 minutes each. */
import type { Journey } from './journey.ts'

export interface PhoneStore {
  put(journey: Journey): void
  get(id: string): Journey | null
  /** Newest first. */
  list(): Journey[]
}

const maximum = 500
const lifetimeMs = 15 * 60_000

export function createPhoneStore (now: () => number = Date.now): PhoneStore {
  const kept = new Map<string, { journey: Journey; until: number }>()
  const sweep = (): void => {
    // in the order of their end: the first that is not over ends the search
    for (const [id, { until }] of kept) {
      if (until > now() && kept.size <= maximum) return
      kept.delete(id)
    }
  }
  return {
    put (journey) {
      kept.set(journey.id, { journey, until: now() + lifetimeMs })
      sweep()
    },
    get (id) {
      sweep()
      return kept.get(id)?.journey ?? null
    },
    list () {
      sweep()
      return [...kept.values()].map(({ journey }) => journey).reverse()
    }
  }
}
