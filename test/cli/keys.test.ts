import t from 'tap'
import { command } from '../../src/cli/keys.ts'
import { createAudit } from '../../src/records/audit/index.ts'
import { ensureSigningKeys } from '../../src/tokens/signing-keys.ts'
import { eachDatabase } from '../support/database.ts'

eachDatabase(t, 'kora keys', async (t, database) => {
  const { db, crypto } = database
  await ensureSigningKeys(db, crypto, { algs: ['ES256'] })
  const errors = t.capture(console, 'error', () => {})
  const run = async (line: string): Promise<{ code: number; out: string }> => {
    const out: string[] = []
    const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '')
    return {
      code: await command.run(args, { db, crypto, audit: createAudit(database) }, (text) => {
        out.push(text)
      }),
      out: out.join('\n')
    }
  }
  const json = async (line: string): Promise<any> => JSON.parse((await run(`${line} --json`)).out)

  const [first] = (await json('list')).keys
  t.match(first, { alg: 'ES256', state: 'active', history: [{ reason: 'first_start' }] })
  t.notOk('publicJwk' in first || 'privateEnc' in first)
  t.match((await run('list')).out, new RegExp(`^${first.kid} +ES256 +active`))

  for (const wrong of [
    'publish',
    'publish HS256 --reason x',
    'publish ES256',
    'publish ES256 --reason "  "',
    'remove --reason x',
    'sing',
    'list --colour',
    'publish ES256 RS256 --reason x',
    'emergency'
  ]) {
    t.equal((await run(wrong)).code, 2, wrong)
  }
  t.same((await json('list')).keys.length, 1, 'wrong use changes nothing')

  t.same(await json('rotate ES256 --reason planned'), { error: 'signing_key_missing' })
  t.equal((await run('rotate ES256 --reason planned')).code, 1)
  const { published } = await json('publish ES256 --reason "planned, ticket 4711" --operator lhamo')
  t.equal((await run('rotate ES256 --reason planned')).code, 1, 'too young')
  t.match(errors().at(-1)?.args, [/less than 2 h ago.*kora keys emergency/])
  t.equal((await run(`remove ${first.kid} --reason planned`)).code, 1)
  t.match(await json(`emergency ${first.kid} --reason "laptop stolen" --operator lhamo`), {
    removed: first.kid,
    active: published,
    successorKnown: false
  })
  t.match((await run(`emergency ${published} --reason "laptop stolen" --operator lhamo`)).out, /up to 60 minutes/)
  t.same((await db.selectFrom('auditEvent').select(['type', 'actor', 'reason']).orderBy('id').execute())[0], {
    type: 'signing-key.created',
    actor: 'operator:lhamo',
    reason: 'planned, ticket 4711'
  })
  t.equal(
    await db
      .selectFrom('auditEvent')
      .select('id')
      .orderBy('id')
      .execute()
      .then(({ length }) => length),
    6
  )
})
