import t from 'tap'
import fc from 'fast-check'
import {
  checkPassword,
  normalisePassword,
  passwordProfiles,
  selectRules
} from '../../../src/domain/login/password-policy.ts'
import type { PasswordProfile } from '../../../src/domain/login/password-policy.ts'
import { DomainError } from '../../../src/domain/errors.ts'
import { anyText, isQuick, longTexts } from '../unicode.ts'

const nobody = { identifiers: [] }
const profiles = Object.keys(passwordProfiles) as PasswordProfile[]

/** 'OK', or the names of the failing rules. */
const check = (profile: PasswordProfile, password: string, context: Parameters<typeof checkPassword>[2] = nobody) => {
  const result = checkPassword(profile, password, context)
  return result.ok ? 'OK' : result.failed.map((rule) => rule.rule).join(' ')
}

t.test('the rules are data for the page, and failing rules are members of them', async (t) => {
  t.same(profiles, ['standard', 'manual', 'mlps3'])
  t.same(selectRules('manual'), [
    { rule: 'length', min: 6, max: 15 },
    { rule: 'characters' },
    { rule: 'classes', min: 2, of: ['digit', 'letter', 'symbol'] }
  ])
  t.match(selectRules('standard')[0], { rule: 'length', min: 8, max: 64 })
  t.match(selectRules('mlps3')[2], { rule: 'classes', min: 3, unlessLength: 15 })
  for (const profile of profiles) {
    const result = checkPassword(profile, 'a', nobody)
    t.notOk(result.ok)
    if (!result.ok) t.ok(result.failed.length > 0 && result.failed.every((rule) => selectRules(profile).includes(rule)))
  }
  t.throws(() => selectRules('toString' as PasswordProfile), new DomainError('password_profile_unknown'))
})

t.test('length, counted in code points after NFKC', async (t) => {
  const stem = 'kW7#tRz9'
  const of = (length: number) => (stem + 'Lm4!vQx2hYp6&nDs'.repeat(8)).slice(0, length)
  for (const [profile, min, max] of [
    ['standard', 8, 64],
    ['manual', 6, 15],
    ['mlps3', 8, 64]
  ] as const) {
    t.equal(check(profile, of(min - 1)), 'length', `${profile} ${min - 1}`)
    t.equal(check(profile, of(min)), 'OK')
    t.equal(check(profile, of(max)), 'OK')
    t.equal(check(profile, of(max + 1)), 'length')
  }
  t.equal(check('standard', of(128)), 'length')
  t.equal(check('manual', '😀'.repeat(5) + '1a'), 'OK', 'seven code points, twelve units')
  t.equal(check('standard', '🐘🐘🦬🐎🏔🌊1'), 'length')
  t.equal(check('standard', '🐘🐘🦬🐎🏔🌊❄1'), 'OK')
  t.equal(check('manual', '\uFDFAa1'), 'length', 'one sign that NFKC makes eighteen')
})

t.test('never cut, never trimmed, NFKC', async (t) => {
  const long = 'kW7#tRz9'.repeat(8)
  t.same(checkPassword('standard', long, nobody), { ok: true, value: long })
  t.same(checkPassword('standard', '  kW7#tRz9  ', nobody), { ok: true, value: '  kW7#tRz9  ' })
  t.same(checkPassword('standard', 'ｋＷ７＃ｔＲｚ９', nobody), { ok: true, value: 'kW7#tRz9' })
  t.same(checkPassword('standard', 'kW7#tRe\u0301z', nobody), { ok: true, value: 'kW7#tRéz' })
  t.equal(normalisePassword('ｐ'), 'p')
  t.equal(normalisePassword('a'.repeat(1025)), null)
})

t.test('control characters and lone surrogates', async (t) => {
  for (const password of ['kW7#tRz\u0000', 'kW7#\ttRz9', 'kW7#tRz9\n', 'kW7#tRz9\x7F', 'kW7#tRz\uD800']) {
    t.equal(check('standard', password), 'characters', JSON.stringify(password))
  }
})

t.test('classes', async (t) => {
  const table: Array<[password: string, standard: string, mlps3: string]> = [
    ['kwtmrzgp', 'classes', 'classes'],
    ['29471850', 'classes', 'classes'],
    ['#%*!?+~=', 'classes', 'classes'],
    ['kwtmrzg7', 'OK', 'classes'],
    ['kwtmrz g', 'OK', 'classes'],
    ['kWtMrZgP', 'classes', 'classes'],
    ['kWtMrZg7', 'OK', 'OK'],
    ['kwtmrz#7', 'OK', 'OK'],
    ['雪山草原牦牛湖7', 'OK', 'classes'],
    ['雪山草原牦牛#7', 'OK', 'OK'],
    ['kwtmrzgpvhdsn7', 'OK', 'classes'],
    ['kwtmrzgpvhdsnl7', 'OK', 'OK']
  ]
  for (const [password, standard, mlps3] of table) {
    t.equal(check('standard', password), standard, password)
    t.equal(check('mlps3', password), mlps3, password)
  }
  t.equal(check('manual', 'aaaaa1'), 'OK', 'the manual knows no block list')
  t.equal(check('manual', 'aaaaaa'), 'classes')
})

t.test('common passwords, also with a little around them', async (t) => {
  for (const password of `password1 Password123! P@ssw0rd P@ssw0rd2024 passw0rd! drowssap1 password2024! admin123 Admin@123 Admin@2024 root@123 test1234 Test1234!
    abc12345 Abc@12345 Aa123456 Aa123456! a1234567 a12345678 123456789a 123456aa Qq123456789 qwer1234 qwer1234!@#$ qwerty123 1qaz2wsx 1qaz@WSX !QAZ2wsx
    zaq12wsx 1q2w3e4r 1q2w3e4r5t q1w2e3r4 a1b2c3d4 1a2b3c4d asdf1234 asdfghjkl; zxcvbn123 qazwsx123 4rfv5tgb 0p9o8i7u
    woaini520 woaini1314 5201314a 1314520a wo5201314 Woaini@1314 nihao123 mima1234 wodemima1 iloveyou1 il0vey0u! we1come123 abc123456 123abc456
    wang1234 zhang123 zhaxi1990! zhaxi@1990 Tashi2024 Lhasa@2024 lasa2024! Xizang@2024 xizang123 tibet123! dorje123 Tsering1985 kora2026!
    aaaaaaa1 aaaa1111 11111111a 1111aaaa abababab1 xk7xk7xk7 112233aa 147258369a 159357aa 789456123a aa19900307 lhm19900307 a13800138000 zx123456
    密码123456 西藏2024!! 扎西德勒1234 admin!admin! passwordpassword1`.split(/\s+/)) {
    t.equal(check('standard', password), 'common', password)
  }
  for (const profile of ['standard', 'mlps3'] as const) t.match(check(profile, 'Password123!'), 'common')
  t.equal(check('mlps3', 'passwordpassword'), 'common', 'length is no excuse')
})

t.test('passwords that are none of these', async (t) => {
  for (const password of [
    'kW7#tRz9',
    'Tr0ub4dor&3',
    'correct horse battery staple',
    'xj7!mvq2',
    'yak-butter-tea-7',
    '雪山-草原-牦牛-7',
    'm9$Lp2vX',
    'kdT!123456',
    'hq82nvwz',
    'རི་བོ་7-གངས',
    'v7?password-Jx4',
    'Rk2-Lhasa-vow9'
  ]) {
    t.equal(check('standard', password), 'OK', password)
  }
  // What a password manager makes must pass, with chance accidents such as 'abc' in it.
  const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789#%+-_?'
  const generated = fc.string({ unit: fc.constantFrom(...alphabet), minLength: 16, maxLength: 24 })
  let refused = 0
  fc.assert(
    fc.property(generated, (password) => {
      if (check('standard', password).includes('common')) refused++
    }),
    { numRuns: 500, seed: 7 }
  )
  t.equal(refused, 0)
})

const owner = { identifiers: ['540102199003072515', '+8613908981234', '91540102MA6T1A2BXK'], name: '扎西顿珠' }

t.test('nothing of the own numbers, birthday and name, in either direction', async (t) => {
  for (const password of [
    'kW7#54010',
    'kW#40102z',
    'kw#72515x',
    'Kz-90898-t',
    'kw#zq80931',
    '51527#kWt',
    '43218-kWtz',
    'kW-540-10-2z',
    'kw#19900307',
    'kw#900307',
    'kW#03071990',
    'kW#07031990',
    'kW#030790',
    'kW#199037x',
    'kW1990.3.7x',
    'kW1990-03-07',
    '7030-0991kW',
    '９００３０７kW#',
    'a6T1a2#kW',
    'kW#7扎西顿珠',
    'kW#七九扎西顿8',
    '珠顿西扎kW#7',
    'kW扎 西 顿 珠#7'
  ]) {
    t.ok(check('standard', password, owner).split(' ').includes('personal'), password)
    t.notOk(check('standard', password).includes('personal'), `${password}: fine for others`)
  }
  for (const password of ['kW7#5401', 'kW7#tRz9', 'kW#西顿吉祥7z', 'kW#2515z9t']) {
    t.equal(check('standard', password, owner), 'OK', password)
  }
  t.equal(check('manual', 'kW#540102', owner), 'OK', 'the manual knows no such rule')
})

t.test('names of other kinds', async (t) => {
  const name = (text: string) => (password: string) => check('standard', password, { identifiers: [], name: text })
  t.equal(name('李强')('kW#7t李强z9'), 'personal')
  t.equal(name('李强')('kW#7t李z强9'), 'OK')
  t.equal(name('王')('kW#7t王z9'), 'OK', 'one character says nothing')
  t.equal(name('Jean-Luc Picard')('kW#7picar9'), 'personal')
  t.equal(name('Jean-Luc Picard')('kW#7ulnaej9'), 'personal')
  t.equal(name('Li Na')('kW#7lina9z'), 'personal')
  t.equal(name('བཀྲ་ཤིས་དོན་གྲུབ')('kW#7བཀྲ་ཤིས'), 'personal')
  t.equal(name('')('kW7#tRz9'), 'OK')
  t.equal(check('standard', 'kW#07031990', { identifiers: ['1990-03-07'] }), 'personal', 'a date may be given as such')
  t.equal(check('standard', 'kW7#tRz9', { identifiers: ['', '1', 'kW7#'] }), 'OK', 'short identifiers are no parts')
})

t.test('every window of five of an own number is refused, wherever it stands', async (t) => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[1-6]\d{16}[\dX]$/),
      fc.nat(13),
      fc.boolean(),
      fc.constantFrom('', ' ', '-', '.'),
      (number, at, backwards, joint) => {
        const part = [...number.slice(at, at + 5)]
        const password = `kW#${(backwards ? part.reverse() : part).join(joint)}#tR`
        return check('standard', password, { identifiers: [number] })
          .split(' ')
          .includes('personal')
      }
    )
  )
  t.pass()
})

t.test('any text: never throws; what is accepted is NFKC, complete, and accepted again', async (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...profiles),
      anyText,
      fc.array(anyText, { maxLength: 3 }),
      anyText,
      (profile, password, identifiers, name) => {
        const result = checkPassword(profile, password, { identifiers, name })
        return (
          !result.ok ||
          (result.value === password.normalize('NFKC') &&
            checkPassword(profile, result.value, { identifiers, name }).ok)
        )
      }
    ),
    { numRuns: 1000 }
  )
  for (const text of [...longTexts, 'aB3$'.repeat(2_500_000)]) {
    t.equal(check('standard', text), 'length')
    t.ok(isQuick(() => check('standard', text, owner), 5))
  }
  for (const unit of ['1q', 'x7#K', '扎', '\uFDFA', '!1']) {
    t.ok(
      isQuick(() => check('standard', unit.repeat(1024 / unit.length), owner), 20),
      `${unit}: the longest text looked at`
    )
  }
})
