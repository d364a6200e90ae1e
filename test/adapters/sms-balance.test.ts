import t from 'tap'
import { cacheBalance } from '../../src/adapters/sms-balance.ts'

t.test('the provider is asked once a minute, and a failing one tells nothing', async (t) => {
  let now = 0
  let asked = 0
  let fails = false
  const sender = cacheBalance(
    {
      async send () {},
      async balance () {
        asked += 1
        if (fails) throw new Error('scripted')
        return { remaining: 100 - asked, alarmBelow: 10 }
      }
    },
    () => now
  )
  const look = async (): Promise<number | null | undefined> => (await sender.balance?.())?.remaining ?? null
  t.same(await Promise.all([look(), look()]), [99, 99])
  now = 59_999
  t.equal(await look(), 99)
  now = 60_000
  t.equal(await look(), 98)
  fails = true
  now = 120_000
  t.equal(await look(), null)
  fails = false
  t.equal(await look(), null, 'not asked again at once')
  now = 180_000
  t.equal(await look(), 96)
  t.equal(asked, 4)
})

t.test('who tells no balance stays so', async (t) => {
  t.equal(cacheBalance({ async send () {} }).balance, undefined)
})
