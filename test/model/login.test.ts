/** Random walks through the hosted login: no code that the model does not allow, no dead end that it does not know. */
import fc from 'fast-check'
import t from 'tap'
import { withPostgres } from '../support/needs.ts'
import { steps } from './login-steps.ts'
import { walk, type World } from './login-walk.ts'
import { startWorld, startWorldOfTwo } from './worlds.ts'

/** Codes that reached a site in all walks; a model that never sees one proves nothing. */
async function walkOften (world: World, numRuns: number): Promise<number> {
  let codes = 0
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      codes += (await walk(world, taken)).arrivals.length
    }),
    { numRuns, endOnFailure: false, timeout: 120_000 }
  )
  return codes
}

t.test('one process, embedded database', async (t) => {
  t.ok((await walkOften(await startWorld(t), 25)) > 5)
})

await withPostgres(t, 'two processes, PostgreSQL', async (t, url) => {
  t.ok((await walkOften(await startWorldOfTwo(t, url), 60)) > 12)
})
