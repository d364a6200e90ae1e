/**
 * Waits for what happens beside a test: a worker, another process, a short message. No length of time is right for that
 * on every machine, so the wait ends with what is waited for; the limit is only there to end a test whose event never
 * comes.
 */
import { setTimeout } from 'node:timers/promises'

const limitMilliseconds = 120_000
const pauseMilliseconds = 20

/** Asks until the answer is neither false, null nor undefined, and returns it; at the limit the last answer. */
export async function until<T> (ask: () => T | Promise<T>): Promise<T> {
  const end = performance.now() + limitMilliseconds
  for (;;) {
    const answer = await ask()
    if ((answer !== false && answer !== null && answer !== undefined) || performance.now() > end) return answer
    await setTimeout(pauseMilliseconds)
  }
}
