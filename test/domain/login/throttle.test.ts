import t from 'tap'
import {
  decidePair,
  pairLimit,
  passwordSuspended,
  sourceExhausted,
  throttleRules
} from '../../../src/domain/login/throttle.ts'

t.test('the numbers', async (t) => {
  t.same(throttleRules, {
    pair: { limit: 5, windowSeconds: 900 },
    identifier: { limit: 20, windowSeconds: 86400, slowedLimit: 1 },
    consecutive: { limit: 100, windowSeconds: 30 * 86400 },
    source: { limit: 20, windowSeconds: 600, blockSeconds: 900 }
  })
})

t.test('five tries, then a pause', async (t) => {
  const at = (count: number): unknown => decidePair({ count, identifierCount: 0, knownBrowser: false })
  t.same(at(1), { allowed: true, remaining: 4 })
  t.same(at(5), { allowed: true, remaining: 0 })
  t.same(at(6), { allowed: false, reason: 'pair' })
})

t.test('after twenty of a day unknown browsers have one try each, a known one all of its own', async (t) => {
  t.equal(pairLimit({ identifierCount: 19, knownBrowser: false }), 5)
  t.equal(pairLimit({ identifierCount: 20, knownBrowser: false }), 1)
  t.equal(pairLimit({ identifierCount: 1e6, knownBrowser: true }), 5)
  t.same(decidePair({ count: 1, identifierCount: 20, knownBrowser: false }), { allowed: true, remaining: 0 })
  t.same(decidePair({ count: 2, identifierCount: 20, knownBrowser: false }), { allowed: false, reason: 'identifier' })
  t.same(decidePair({ count: 5, identifierCount: 1e6, knownBrowser: true }), { allowed: true, remaining: 0 })
  t.same(decidePair({ count: 6, identifierCount: 1e6, knownBrowser: true }), { allowed: false, reason: 'pair' })
})

t.test('limits of source and identifier', async (t) => {
  t.equal(sourceExhausted(19), false)
  t.equal(sourceExhausted(20), true)
  t.equal(passwordSuspended(100), false)
  t.equal(passwordSuspended(101), true)
})
