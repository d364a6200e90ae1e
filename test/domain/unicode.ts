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

/** Milliseconds of the fastest of three runs, so that a pause of the machine does not count. */
export function fastest (run: () => unknown): number {
  const times = [0, 1, 2].map(() => {
    const start = performance.now()
    run()
    return performance.now() - start
  })
  return Math.min(...times)
}
