import t from 'tap'
import { foldUserCode, shownUserCode } from '../../../src/domain/login/user-code.ts'

t.test('how a code may be typed', async (t) => {
  for (const typed of [
    'WDJBMJHT',
    'WDJB-MJHT',
    'wdjb-mjht',
    ' wdjb mjht ',
    'WDJB–MJHT',
    'WDJB　MJHT',
    'ＷＤＪＢ－ＭＪＨＴ',
    'ｗｄｊｂｍｊｈｔ',
    'W.D.J.B.M.J.H.T',
    'WDJ8-MJHT',
    '\u200eWDJB-MJHT\u200f',
    'WDJB\tMJHT\n'
  ]) {
    t.equal(foldUserCode(typed), 'WDJBMJHT', JSON.stringify(typed))
  }
  t.equal(foldUserCode('0o1iuU25'), 'QQLLVVZS', 'what looks like a letter of the set')
  t.equal(foldUserCode('68686868'), 'GBGBGBGB')
})

t.test('what is no code', async (t) => {
  for (const typed of [
    '',
    ' ',
    '-',
    'WDJBMJH',
    'WDJBMJHTT',
    'WDJBMJHA',
    'WDJBMJHE',
    'WDJBMJH3',
    'WDJBMJH4',
    'WDJBMJHY',
    '代码代码代码代码',
    "WDJBMJH'--",
    '540102199003072515',
    '\0'.repeat(8),
    'B'.repeat(100_000),
    'ВДЖБМЖХТ'
  ]) {
    t.equal(foldUserCode(typed), null, JSON.stringify(typed.slice(0, 30)))
  }
})

t.test('as devices show it', async (t) => {
  t.equal(shownUserCode('WDJBMJHT'), 'WDJB-MJHT')
  t.equal(foldUserCode(shownUserCode('WDJBMJHT')), 'WDJBMJHT')
})
