import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { pacedWriter } from '../../src/http/paced-writer.ts'

t.test('waits for a slow reader, and leaves no listener behind', async (t) => {
  const stream = new PassThrough({ highWaterMark: 10 })
  const before = ['drain', 'close', 'error'].map((name) => stream.listenerCount(name))
  const write = pacedWriter(stream)
  let written = 0
  const done = (async () => {
    for (let n = 0; n < 50; n++) {
      await write('x'.repeat(10))
      written += 1
    }
  })()
  await turn()
  t.equal(written, 0, 'nobody has read yet')
  let read = ''
  while (read.length < 500) {
    read += String(stream.read(10) ?? '')
    t.ok(stream.listenerCount('close') <= (before[1] ?? 0) + 1)
    await turn()
  }
  await done
  t.same(
    ['drain', 'close', 'error'].map((name) => stream.listenerCount(name)),
    before
  )
})

t.test('ends when the reader goes away', async (t) => {
  const stream = new PassThrough({ highWaterMark: 10 })
  const write = pacedWriter(stream)
  const waiting = write('x'.repeat(20))
  stream.destroy()
  await waiting
  await t.rejects(write('y'), { message: /gone/ })
})
