import t from 'tap'
import { secondsToWait } from './midnight.ts'

const at = (time: string): number => secondsToWait(Date.parse(`2028-02-29T${time}Z`))

t.test('a test that begins just before midnight, here or there, waits for it', async (t) => {
  t.same(['00:00:00', '00:00:01', '15:56:59', '16:00:00', '16:00:01', '23:56:59'].map(at), [0, 0, 0, 0, 0, 0])
  t.same(['15:57:00', '15:59:59', '23:57:00', '23:59:59'].map(at), [181, 2, 181, 2])
  t.equal(secondsToWait(Date.parse('2028-02-29T23:59:59.750Z')), 1.25, 'until it is over')
})
