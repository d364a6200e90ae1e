/** When the worker looks for delegations past their last day. */
import fc from 'fast-check'
import t from 'tap'
import { untilNextLook } from '../../../../src/records/organizations/delegations/expiry.ts'

const at = (time: string): number => Date.parse(`2026-03-01T${time}+08:00`)

t.test('twice a minute by day, four times a second about midnight in Shanghai', (t) => {
  for (const [time, pause] of Object.entries({
    '12:00:00.000': 30_000,
    '08:00:00.000': 30_000,
    '16:00:00.000': 30_000,
    '23:59:00.000': 30_000,
    '23:59:40.000': 17_000,
    '23:59:56.990': 10,
    '23:59:57.000': 250,
    '00:00:00.000': 250,
    '00:00:02.999': 250,
    '00:00:03.000': 30_000
  })) {
    t.equal(untilNextLook(at(time)), pause, time)
  }
  t.end()
})

t.test(
  'whenever a process starts, and however its clock is off by three seconds at most, it looks within a second after ' +
    'midnight',
  (t) => {
    const midnight = Date.parse('2026-03-02T00:00:00+08:00')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400_000 }), fc.integer({ min: -2_700, max: 2_700 }), (before, skew) => {
        let now = midnight - before
        while (now < midnight) now += untilNextLook(now + skew)
        return now - midnight <= 1_000
      })
    )
    t.end()
  }
)
