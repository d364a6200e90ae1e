import t from 'tap'
import { sql } from 'kysely'
import { PNG } from 'pngjs'
import { createChallenges, sweepChallenges } from '../../../src/records/challenges/index.ts'
import { newAnswer, drawPicture } from '../../../src/records/challenges/picture.ts'
import { isWorkDone } from '../../../src/domain/login/proof-of-work.ts'
import { eachDatabase, testDatabase } from '../../support/database.ts'
import { pictureText } from './support.ts'

const about = { browserHash: 'browser', action: 'register:1' }
const from = { ...about, source: '10.0.0.0/24' }
const none = { work: '', text: '' }

function workOn (seed: string): string {
  let nonce = 0
  while (!isWorkDone(seed, String(nonce))) nonce++
  return String(nonce)
}

eachDatabase(
  t,
  'a challenge is used up by its first answer, right or wrong, for one browser and action',
  async (t, database) => {
    const challenges = createChallenges(database)
    const issue = async (): Promise<string> => (await challenges.issue(from))?.id ?? ''

    const worked = await issue()
    t.equal(await challenges.settle({ ...none, id: worked, work: workOn(worked) }, about), 'passed', 'proof of work')
    t.equal(await challenges.settle({ ...none, id: worked, work: workOn(worked) }, about), 'expired', 'once')

    const read = await issue()
    t.equal(
      await challenges.settle(
        { ...none, id: read, text: ` ${(await pictureText(database, read)).toLowerCase()} ` },
        about
      ),
      'passed',
      'characters, case and blanks aside'
    )

    const wrong = await issue()
    t.equal(await challenges.settle({ ...none, id: wrong, text: 'QQQQQ' }, about), 'wrong')
    t.equal(
      await challenges.settle({ ...none, id: wrong, text: await pictureText(database, wrong) }, about),
      'expired',
      'consumed by a wrong answer too'
    )

    const foreign = await issue()
    const text = await pictureText(database, foreign)
    t.equal(await challenges.settle({ ...none, id: foreign, text }, { ...about, browserHash: 'another' }), 'expired')
    t.equal(await challenges.settle({ ...none, id: foreign, text }, { ...about, action: 'register:2' }), 'expired')
    t.equal(await challenges.settle({ ...none, id: foreign, text }, about), 'passed', 'which used nothing up')

    const late = await issue()
    await sql`update challenge set expires_at = now() where id = ${late}`.execute(database.db)
    t.equal(await challenges.settle({ ...none, id: late, text: await pictureText(database, late) }, about), 'expired')
    for (const id of ['', 'ch_', "ch_' or 1=1 --aaaaaaaaaaa", 'ch_AAAAAAAAAAAAAAAAAAAAAA']) {
      t.equal(await challenges.settle({ ...none, id }, about), 'expired', id)
    }
    const other = await issue()
    t.equal(
      await challenges.settle({ ...none, id: other, work: workOn(late) }, about),
      'wrong',
      'work for another seed'
    )
  }
)

eachDatabase(t, 'of twenty right answers at once one passes', async (t, database) => {
  const challenges = createChallenges(database)
  const id = (await challenges.issue(from))?.id ?? ''
  const text = await pictureText(database, id)
  const verdicts = await Promise.all(
    Array.from({ length: 20 }, async () => await challenges.settle({ ...none, id, text }, about))
  )
  t.equal(verdicts.filter((verdict) => verdict === 'passed').length, 1)
})

t.test('issuing is limited, and what is over is deleted', async (t) => {
  const database = await testDatabase(t)
  const challenges = createChallenges(database)
  const issued = []
  for (let n = 0; n < 41; n++) issued.push(await challenges.issue(from))
  t.equal(issued.filter((challenge) => challenge !== null).length, 40)
  t.not(await challenges.issue({ ...from, browserHash: 'another' }), null)
  await sql`update challenge set expires_at = now() - interval '1 second'`.execute(database.db)
  t.equal(await sweepChallenges(database.db, 30), 30)
})

t.test('the picture is a PNG, other each time, in which no letter has a shape of its own', async (t) => {
  const answer = newAnswer()
  t.match(answer, /^[ACEFHJKLMNPRTWXY34679]{5}$/)
  const [one, two] = [drawPicture(answer), drawPicture(answer)]
  t.notOk(one.equals(two))
  const picture = PNG.sync.read(one)
  t.same([picture.width, picture.height], [320, 112])
  const dark = Array.from({ length: 320 * 112 }, (_, at) => picture.data[at * 4] ?? 255).filter(
    (grey) => grey < 128
  ).length
  t.ok(dark > 1500 && dark < 15_000, `${dark} dark pixels`)
  t.ok(one.length < 6000, `${one.length} bytes`)
  t.notMatch(one.toString('latin1'), answer)
})
