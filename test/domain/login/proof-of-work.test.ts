import { createHash } from 'node:crypto'
import t from 'tap'
import { isWorkDone, workBits } from '../../../src/domain/login/proof-of-work.ts'

// what browsers run
const { first } = (await import(new URL('../../../views/assets/work.js', import.meta.url).href)) as {
  first(text: string): number
}

const seed = 'ch_AbCdEfGhIjKlMnOpQrStUv'

t.test('the script of the page computes SHA-256', async (t) => {
  for (const text of ['', 'abc', `${seed}:0`, `${seed}:4294967295`, 'x'.repeat(55)]) {
    t.equal(first(text), createHash('sha256').update(text).digest().readUInt32BE(0), text)
  }
})

t.test('work is done with the right nonce for this seed, and nothing else', async (t) => {
  let nonce = 0
  while (first(`${seed}:${nonce}`) >>> (32 - workBits) !== 0) nonce++
  t.ok(isWorkDone(seed, String(nonce)))
  t.notOk(isWorkDone(seed, String(nonce + 1)), 'as a rule the next one is wrong')
  t.notOk(isWorkDone(`${seed}x`, String(nonce)))
  for (const garbage of ['', '-1', '1.5', '0x10', ' 1', '99999999999', '١', `${nonce}\n`, 'NaN']) {
    t.notOk(isWorkDone(seed, garbage), garbage)
  }
})
