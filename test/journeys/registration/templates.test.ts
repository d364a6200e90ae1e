import t from 'tap'
import { loadConfig } from '../../../src/config.ts'
import { ethnicGroupsForTibet } from '../../../src/domain/identity/ethnic-group.ts'
import { tibetanPrefectures } from '../../../src/domain/identity/region-code.ts'
import { loadAssets } from '../../../src/http/assets.ts'
import { locales } from '../../../src/http/locale.ts'
import type { PageName, Pages } from '../../../src/http/pages.ts'
import { createRenderer, encodeBody, type PageContext } from '../../../src/http/rendering.ts'
import type { Progress } from '../../../src/journeys/registration/held.ts'
import type { StopCode } from '../../../src/journeys/registration/stopped.ts'

const assets = loadAssets()
const renderer = createRenderer(loadConfig({ NODE_ENV: 'test' }), assets)
const context: PageContext = {
  locale: 'zh-CN',
  size: 'n',
  url: '/register/reg_x/unit',
  traceId: '9f3c21ab77d0',
  trident: false
}
const form = { action: '/post', csrf: 'token' }
const progress = (place: Progress['place'], step: number, applicant: Progress['applicant'] = 'agent'): Progress => ({
  applicant,
  place,
  step,
  laterHref: step === 1 ? '/register/reg_x/later' : null,
  sections: (['unit', 'agent', 'phone', 'legal', 'check'] as const).map((section) => ({
    place: section,
    href: section === place ? null : `/register/reg_x/${section}`
  }))
})
const person = { name: '扎西顿珠', certNo: '540102199003072515', phone: '13800138000' }
const fault = (field: string, code: string, details: Record<string, string | number> = {}) => ({
  field,
  code,
  details
})
const challenge = { id: 'ch_AbCdEfGhIjKlMnOpQrStUv', bits: 15, picture: '/challenge/ch_AbCdEfGhIjKlMnOpQrStUv.png' }
const phone = {
  progress: progress('phone', 1),
  csrf: 'token',
  sendAction: '/post',
  verifyAction: '/post/code',
  maskedPhone: '13*******00',
  changeHref: '/x',
  challenge,
  sent: false,
  waitSeconds: 0,
  disturbed: false,
  errors: []
}

const pages: Array<[id: string, name: PageName, model: Pages[PageName]]> = []
const add = <N extends PageName>(id: string, name: N, model: Pages[N]): void => {
  pages.push([id, name, model])
}
add('start', 'registration/start', { ...form, resumeHref: null, errors: [] })
add('start-again', 'registration/start', {
  ...form,
  resumeHref: '/register/reg_x/agent',
  errors: [fault('applicant', 'required')]
})
const unit = {
  ...form,
  progress: progress('unit', 1),
  values: { uscc: '', name: '', prefecture: '', county: '' },
  askName: false,
  prefectures: tibetanPrefectures,
  counties: [],
  errors: []
}
add('unit', 'registration/unit', unit)
add('unit-full', 'registration/unit', {
  ...unit,
  askName: true,
  values: { uscc: '91540102MA6T1A2BXK', name: '某某', prefecture: '540100', county: '540102' },
  counties: tibetanPrefectures[0]?.counties ?? [],
  errors: [
    fault('uscc', 'CHARSET_SUGGESTED', { suggestion: '91540102MA6T1A2BXK' }),
    fault('org_name', 'not_found'),
    fault('prefecture', 'REGION'),
    fault('form', 'register_unavailable')
  ]
})
const agent = {
  ...form,
  progress: progress('agent', 1),
  organizationName: '西藏示例律师事务所',
  values: { ...person, year: '2018', month: '6', day: '1', term: '20', ethnicGroup: '', years: '1' },
  ethnicGroups: ethnicGroupsForTibet,
  years: [1, 2, 3],
  errors: []
}
add('agent', 'registration/agent', agent)
add('agent-errors', 'registration/agent', {
  ...agent,
  values: { ...agent.values, ethnicGroup: '04' },
  errors: ['name', 'certNo', 'validFrom', 'term', 'phone', 'years']
    .map((field) => fault(field, 'required'))
    .concat([fault('ethnic_group', 'unknown')])
})
add('legal', 'registration/legal', {
  ...form,
  progress: progress('legal', 1),
  organizationName: '西藏示例律师事务所',
  values: person,
  errors: []
})
add('legal-own', 'registration/legal', {
  ...form,
  progress: progress('legal', 1, 'legal_representative'),
  organizationName: '西藏示例律师事务所',
  values: person,
  errors: [fault('cert_no', 'SAME_PERSON'), fault('phone', 'SAME_PHONE')]
})
add('phone', 'registration/phone', phone)
add('phone-sent', 'registration/phone', { ...phone, sent: true })
add('phone-disturbed', 'registration/phone', { ...phone, sent: true, disturbed: true })
add('phone-errors', 'registration/phone', {
  ...phone,
  sent: true,
  errors: [fault('sms_code', 'wrong', { left: 3 }), fault('answer', 'expired'), fault('send', 'wait', { seconds: 42 })]
})
add('phone-none', 'registration/phone', { ...phone, challenge: null, errors: [fault('form', 'register_unavailable')] })
const facts = (
  [
    'uscc',
    'org_name',
    'region',
    'name',
    'cert_type',
    'cert_no',
    'validity',
    'ethnic_group',
    'gender',
    'phone',
    'delegation'
  ] as const
).map((label) => ({ label, value: '某某', chinese: true }))
add('check', 'registration/check', {
  ...form,
  progress: progress('check', 1),
  groups: (['unit', 'agent', 'legal'] as const).map((place) => ({ place, href: '/x', facts })),
  ticked: { agreement: true, consent: false },
  review: true,
  errors: [fault('agreement', 'required'), fault('consent', 'register')]
})
const rules = [
  fault('new_password', 'length', { min: 8, max: 64 }),
  fault('new_password', 'classes', { min: 2 }),
  fault('new_password', 'classes_cased', { min: 3 }),
  fault('new_password', 'characters'),
  fault('new_password', 'common'),
  fault('new_password', 'personal')
]
add('password', 'registration/password', {
  ...form,
  progress: progress('password', 3),
  rules,
  uscc: '91540102MA6T1A2BXK',
  errors: []
})
add('password-errors', 'registration/password', {
  ...form,
  progress: progress('password', 3),
  rules,
  uscc: '91540102MA6T1A2BXK',
  errors: [...rules, fault('again', 'different'), fault('form', 'register_unavailable')]
})
for (const outcome of ['active', 'waiting', 'review', 'refused'] as const) {
  add(`done-${outcome}`, 'registration/done', {
    outcome,
    number: '20260301123456',
    organizationName: '西藏示例律师事务所',
    loginHref: '/me'
  })
}
for (const said of [null, 'sent', 'too_many'] as const) {
  add(`later-${said ?? 'first'}`, 'registration/later', { ...form, maskedPhone: '13*******00', said, backHref: '/x' })
}
for (const gone of [true, false]) add(`resume-${gone ? 'gone' : 'open'}`, 'registration/resume', { ...form, gone })
for (const code of ['mismatch', 'duplicate', 'not_active', 'blocked', 'too_many'] as StopCode[]) {
  add(`stopped-${code}`, 'registration/stopped', { code, changeHref: '/x', retryHref: '/y', loginHref: '/me' })
}

t.test('every page renders in every language and size without holes', async (t) => {
  for (const [id, name, model] of pages) {
    for (const locale of locales) {
      for (const size of ['n', 'l'] as const) {
        const html = renderer.html(name, model, { ...context, locale, size })
        const label = `${id} ${locale} ${size}`
        const text = html.replace(/<(style|script)[\s\S]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' ')
        if (/undefined|null|\[object|NaN|%>|<%|\{\w+\}/.test(text)) {
          t.fail(`${label}: ${/.{0,40}(undefined|null|\[object|NaN|%>|<%|\{\w+\}).{0,40}/.exec(text)?.[0] ?? ''}`)
        }
        if ((html.match(/<h1/g) ?? []).length !== 1) t.fail(`${label}: exactly one h1`)
        const ids = [...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
        if (new Set(ids).size !== ids.length) {
          t.fail(`${label}: id twice: ${ids.filter((one, at) => ids.indexOf(one) !== at).join()}`)
        }
        for (const [, target] of html.matchAll(/href="#([^"]+)"/g)) {
          if (!ids.includes(target)) t.fail(`${label}: link to #${target}`)
        }
        for (const [, targets = ''] of html.matchAll(/aria-(?:describedby|labelledby|controls)="([^"]*)"/g)) {
          for (const target of targets.split(' ')) if (!ids.includes(target)) t.fail(`${label}: refers to #${target}`)
        }
        if (/ style="| on\w+="|<script(?![^>]* src=)/.test(html)) {
          t.fail(`${label}: inline style or script, blocked by the CSP`)
        }
      }
    }
    const { body } = encodeBody(renderer.html(name, model, context), 'br')
    if (Buffer.byteLength(body) > 15 * 1024) t.fail(`${id}: ${Buffer.byteLength(body)} bytes`)
  }
  t.pass(`${pages.length} states`)
})

t.test('every template has a state here; every fault has words of its own', async (t) => {
  const known = new Set<string>(pages.map(([, name]) => name))
  t.same(
    renderer.names.filter((name) => name.startsWith('registration/') && !known.has(name)),
    []
  )
  t.same(
    pages.filter(([, name, model]) => renderer.html(name, model, context).includes('这一项不正确')).map(([id]) => id),
    []
  )
})
