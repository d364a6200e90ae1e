/** Hostile texts for rules that must never throw: any code units (lone surrogates too), and 10 kB of one thing. */
import fc from 'fast-check'

export const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom(...'0123456789Xx -·.•ABCIOSZV９１＋+(){}\u200B\u0301\uFDFA扎བ་།'), maxLength: 24 })
)

export const longTexts = [
  '1',
  '9',
  'A',
  '１',
  '·',
  ' ',
  '་',
  '扎',
  '\uFDFA',
  '\u0301',
  '\u200B',
  '\uD842\uDFB7',
  '\uD800',
  '張 ',
  '1 ',
  'a.'
].map((unit) => unit.repeat(Math.ceil(10_240 / unit.length)))

/**
 * Whether a run takes less than so many milliseconds of this thread's processor time. A pause of the machine or a
 * compilation may fall into any one run, but not into each of fifty; what grows with the square of the text is too slow
 * every time.
 */
export function isQuick (run: () => unknown, milliseconds: number): boolean {
  for (let tries = 0; tries < 50; tries++) {
    const before = process.threadCpuUsage()
    run()
    const { user, system } = process.threadCpuUsage(before)
    if (user + system < milliseconds * 1000) return true
  }
  return false
}
