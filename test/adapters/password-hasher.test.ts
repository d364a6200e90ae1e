import t from 'tap'
import fc from 'fast-check'
import { createPasswordHasher, missingMemory, readCost } from '../../src/adapters/password-hasher.ts'
import { HasherBusy } from '../../src/ports/password-hasher.ts'

const quick = { memoryCost: 1024, timeCost: 2 }
const password = '北京Beijing2024'

t.test('hashes with the current parameters and verifies', async (t) => {
  const hasher = createPasswordHasher({ concurrency: 2 })
  const phc = await hasher.hash(password)
  t.match(phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  t.equal(await hasher.verify(phc, password), true)
  t.equal(await hasher.verify(phc, `${password} `), false)
  t.equal(hasher.needsRehash(phc), false)
  t.not(await hasher.hash(password), phc, 'a salt of its own')
})

t.test('an unknown account costs a hash too, and is never right', async (t) => {
  const hasher = createPasswordHasher({ concurrency: 1 })
  const phc = await hasher.hash(password)
  // processor time of all threads: what else the machine does meanwhile is not counted
  const cost = async (value: string | null): Promise<number> => {
    const before = process.cpuUsage()
    await hasher.verify(value, 'wrong password')
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const known: number[] = []
  const unknown: number[] = []
  for (let i = 0; i < 8; i++) {
    known.push(await cost(phc))
    unknown.push(await cost(null))
  }
  const ratio = Math.min(...unknown) / Math.min(...known)
  t.ok(ratio > 1 / 3 && ratio < 3, `unknown costs ${ratio.toFixed(2)} of known`)
  t.equal(await hasher.verify(null, ''), false)
})

t.test('a value that is no argon2id string is a wrong password, not an exception', async (t) => {
  const hasher = createPasswordHasher({ concurrency: 1, ...quick })
  const whole = await hasher.hash(password)
  for (const damaged of [
    '',
    'x',
    '$2b$12$abcdefghijklmnopqrstuv',
    '$argon2id$v=19$m=19456,t=2,p=1$$',
    whole.slice(0, -30),
    `${whole}$`
  ]) {
    t.equal(await hasher.verify(damaged, password), false, JSON.stringify(damaged))
    t.equal(hasher.needsRehash(damaged), true)
  }
})

t.test('S40 a stored hash costs the same whatever its parameters', async (t) => {
  // the arithmetic: what a cheaper hash leaves is made up by another one
  const passes = 2
  const target = 19_456 * passes
  fc.assert(
    fc.property(fc.integer({ min: 8, max: 19_456 }), fc.integer({ min: 1, max: 4 }), (memory, times) => {
      const spent = readCost(`$argon2id$v=19$m=${memory},t=${times},p=1$${'a'.repeat(22)}$${'b'.repeat(43)}`)
      if (spent === null || spent > target) return
      const rest = missingMemory(target - spent, passes)
      const whole = spent + (rest ?? 0) * passes
      if (Math.abs(whole - target) > 8 * passes) throw new Error(`${memory} KiB, ${times} passes`)
    })
  )
  // and in processor time: the cheap hash took a third before
  const cheap = await createPasswordHasher({ concurrency: 1, memoryCost: 4096, timeCost: 3 }).hash(password)
  const hasher = createPasswordHasher({ concurrency: 1 })
  const own = await hasher.hash(password)
  const cost = async (value: string | null): Promise<number> => {
    const before = process.cpuUsage()
    await hasher.verify(value, 'wrong password')
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  const least = { cheap: Infinity, own: Infinity, none: Infinity }
  for (let i = 0; i < 8; i++) {
    least.cheap = Math.min(least.cheap, await cost(cheap))
    least.own = Math.min(least.own, await cost(own))
    least.none = Math.min(least.none, await cost(null))
  }
  for (const [name, value] of Object.entries(least)) {
    const ratio = value / least.own
    t.ok(ratio > 0.5 && ratio < 2, `${name} costs ${ratio.toFixed(2)} of our own`)
  }
  t.equal(await hasher.verify(cheap, password), true)
  // dearer than our own: from then on everything costs as much
  const dear = await createPasswordHasher({ concurrency: 1, memoryCost: 32_768, timeCost: 2 }).hash(password)
  t.equal(await hasher.verify(dear, password), true)
  t.ok((await cost(null)) / least.own > 1.2, 'unknown accounts too')
  const bomb = `$argon2id$v=19$m=9999999,t=9,p=1$${'a'.repeat(22)}$${'b'.repeat(43)}`
  t.equal(await hasher.verify(bomb, password), false, 'and nothing uses up the memory')
})

t.test('other parameters ask for a new hash', async (t) => {
  const old = await createPasswordHasher({ concurrency: 1, ...quick }).hash(password)
  const hasher = createPasswordHasher({ concurrency: 1 })
  t.equal(await hasher.verify(old, password), true, 'still valid')
  t.equal(hasher.needsRehash(old), true)
})

t.test('never more at once than allowed; a full queue sheds; everything accepted is answered', async (t) => {
  const hasher = createPasswordHasher({ concurrency: 2, maxQueue: 3, ...quick })
  let most = 0
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, async () => {
      const result = hasher.verify(null, 'x')
      most = Math.max(most, hasher.depth().running)
      t.ok(hasher.depth().waiting <= 3)
      return await result
    })
  )
  t.equal(most, 2)
  t.equal(outcomes.filter((one) => one.status === 'fulfilled').length, 5)
  for (const one of outcomes) if (one.status === 'rejected') t.ok(one.reason instanceof HasherBusy)
  t.same(hasher.depth(), { running: 0, waiting: 0 })
  t.equal(await hasher.verify(null, 'x'), false, 'open again afterwards')
})

t.test('who waits too long is let go, and its place is free again', async (t) => {
  const hasher = createPasswordHasher({ concurrency: 1, maxQueue: 16, deadlineMs: 1, memoryCost: 65536, timeCost: 2 })
  const outcomes = await Promise.allSettled([hasher.hash('a'), hasher.hash('b'), hasher.hash('c')])
  t.same(
    outcomes.map((one) => one.status),
    ['fulfilled', 'rejected', 'rejected']
  )
  t.same(hasher.depth(), { running: 0, waiting: 0 })
  t.type(await hasher.hash('d'), 'string')
})
