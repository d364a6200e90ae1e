/**
 * Many walks: `npm run test:walks -- 10000 [seed]`. On two processes and PostgreSQL when TEST_DATABASE_URL is set. It
 * prints what the walks reached; the first departure is shrunk, printed with its seed, and ends with exit code 1.
 */
import fc from 'fast-check'
import type { Test } from 'tap'
import { steps } from './login-steps.ts'
import { walk } from './login-walk.ts'
import { startWorld, startWorldOfTwo } from './worlds.ts'

const wanted = Number(process.argv[2] ?? 1000)
const url = process.env['TEST_DATABASE_URL'] ?? ''
const ends: Array<() => unknown> = []
const ending = { teardown: (end: () => unknown) => ends.unshift(end) } as unknown as Test
const world = url === '' ? await startWorld(ending) : await startWorldOfTwo(ending, url)
const reached = new Map<string, number>()
const began = performance.now()
let done = 0
try {
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const { arrivals } = await walk(world, taken)
      for (const one of arrivals) reached.set(one, (reached.get(one) ?? 0) + 1)
      if (++done % 200 === 0) console.log(`${done} walks in ${Math.round((performance.now() - began) / 1000)} s`)
    }),
    { numRuns: wanted, timeout: 120_000, ...(process.argv[3] === undefined ? {} : { seed: Number(process.argv[3]) }) }
  )
  console.log(`${wanted} walks, no departure; codes by site, capacity and level:`)
  console.table(Object.fromEntries([...reached].sort()))
} catch (error) {
  console.error((error as Error).message, (error as { cause?: Error }).cause?.message)
  process.exitCode = 1
} finally {
  for (const end of ends) await end()
}
