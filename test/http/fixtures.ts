/** Every page in every state, as models: what the template tests and the browser tests both walk through. */
import type { PageName, Pages } from '../../src/http/pages.ts'
import type { PasswordPage } from '../../src/journeys/login/password-page.ts'
import { statusKeys, type ScanPage, type ScanPurpose, type ScanTicketView } from '../../src/journeys/scan-code/index.ts'
import type { PhonePurpose } from '../../src/journeys/phone-pages/confirm.ts'
import type { RefusalCode } from '../../src/journeys/phone-pages/refused.ts'
import type { ResultPage } from '../../src/journeys/phone-pages/result.ts'
import type { ErrorKey } from '../../src/http/page-error.ts'

export interface Fixture {
  id: string
  name: PageName
  model: Pages[PageName]
  /** Same layout as another one, only other words: the browser looks at it in two combinations of width and size. */
  variant?: boolean
}

const csrf = 'fixture-token'
/** Eight by eight green pixels. */
const logo =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEElE' +
  'QVR42mNgyAvAjoaWBAB71i+BY/+LWAAAAABJRU5ErkJggg=='
const rp = { name: '西藏政务服务网', lang: 'zh-CN', host: 'www.example.gov.cn', logo, cancelHref: '/i/fixture/cancel' }
const tabs: PasswordPage['tabs'] = [
  { id: 'personal', href: '/i/fixture/login', current: true },
  { id: 'legal', href: '/i/fixture/login?tab=legal', current: false },
  { id: 'qr', href: '/i/fixture/qr', current: false }
]

const login: PasswordPage = {
  action: '/post',
  csrf,
  rp,
  tabs,
  kind: 'personal',
  account: '',
  role: 'legal_representative',
  errors: [],
  agreement: { version: '2026-01', checked: false },
  relogin: null
}

const ticket: ScanTicketView = {
  id: 'ticket',
  state: 'waiting',
  secondsLeft: 178,
  checkNumber: '59',
  numberEntry: false,
  payloadUrl: 'https://sso.example.gov.cn/q/AbCdEfGhIjKlMnOpQrStUv',
  failure: null,
  triesLeft: null,
  renewals: 0,
  said: ['scan-code.status.waiting']
}

const qr: ScanPage = {
  rp,
  purpose: 'login',
  tabs: tabs.map((tab) => ({ ...tab, current: tab.id === 'qr' })),
  base: '/i/fixture/qr',
  csrf,
  ticket,
  blocked: null,
  expectedName: null,
  subjectName: null,
  notYet: false,
  mobile: false,
  sameDevice: {
    app: 'https://sso.example.gov.cn/q/AbCdEfGhIjKlMnOpQrStUv',
    pages: 'https://sso.example.gov.cn/q/AbCdEfGhIjKlMnOpQrStUv'
  },
  counterHref: null,
  passwordHref: '/i/fixture/login'
}

const withTicket = (changes: Partial<ScanTicketView>): ScanTicketView => {
  const changed = { ...ticket, ...changes }
  return { ...changed, said: statusKeys(changed) }
}
const context = {
  clientName: '西藏政务服务网',
  clientHost: 'www.example.gov.cn',
  place: '36.4.*.*',
  browser: 'Windows · Chrome',
  at: '2026-03-02T02:32:00Z',
  subject: []
}
const values = { certType: 'resident_id', name: '', certNo: '', year: '', month: '', day: '', term: '' }
const filled = {
  certType: 'resident_id',
  name: '扎西',
  certNo: '540102198006010011',
  year: '2015',
  month: '6',
  day: '1',
  term: '20'
}
const steps = { at: 1, of: 2 }
const tries = { attempt: 2, day: 4 }
const form = { action: '/post', csrf }

const result = (outcome: ResultPage['outcome'], changes: Partial<ResultPage> = {}): ResultPage => ({
  outcome,
  reason: null,
  tries: null,
  continueHref: null,
  retry: null,
  counterHref: null,
  changePasswordHref: null,
  retryAfterSeconds: null,
  ...changes
})

const list: Fixture[] = []
const add = <N extends PageName>(id: string, name: N, model: Pages[N]): void => {
  list.push({ id, name, model })
}
const addVariant = <N extends PageName>(id: string, name: N, model: Pages[N]): void => {
  list.push({ id, name, model, variant: true })
}

add('login', 'login/password', login)
add('login-errors', 'login/password', {
  ...login,
  account: '540102198006010010',
  errors: [
    { field: 'account', code: 'CHECK' },
    { field: 'password', code: 'wrong', details: { left: 3 } },
    { field: 'agree', code: 'required' }
  ]
})
addVariant('login-locked', 'login/password', {
  ...login,
  agreement: null,
  errors: [{ field: 'account', code: 'throttled', details: { minutes: 15 } }]
})
add('login-legal', 'login/password', {
  ...login,
  kind: 'legal',
  tabs: tabs.map((tab) => ({ ...tab, current: tab.id === 'legal' }))
})
addVariant('login-legal-errors', 'login/password', {
  ...login,
  kind: 'legal',
  role: 'agent',
  account: '9154',
  errors: [
    { field: 'account', code: 'uscc_length', details: { n: 17 } },
    { field: 'role', code: 'not_asked' }
  ]
})
add('login-again', 'login/password', {
  ...login,
  tabs: [],
  agreement: null,
  relogin: { maskedAccount: '540***********0011', otherAccountHref: '/i/fixture/other' }
})

add('qr', 'scan-code/scan', qr)
add('qr-entry', 'scan-code/scan', {
  ...qr,
  purpose: 'first-login',
  tabs: [],
  ticket: withTicket({ numberEntry: true }),
  counterHref: '/i/fixture/counter',
  passwordHref: null,
  expectedName: '扎西*'
})
add('qr-mobile', 'scan-code/scan', { ...qr, mobile: true })
add('qr-mobile-pages', 'scan-code/scan', {
  ...qr,
  mobile: true,
  sameDevice: { app: null, pages: 'https://sso.example.gov.cn/q/x' },
})
addVariant('qr-not-yet', 'scan-code/scan', { ...qr, notYet: true })
add('qr-blocked', 'scan-code/scan', {
  ...qr,
  purpose: 'step-up',
  tabs: [],
  ticket: null,
  blocked: 'face_exhausted',
  counterHref: '/i/fixture/counter',
  passwordHref: null
})
add('qr-approve', 'scan-code/scan', {
  ...qr,
  rp: null,
  purpose: 'approve-delegation',
  tabs: [],
  subjectName: '白玛*',
  expectedName: '扎西*',
  passwordHref: null,
})
for (const purpose of [
  'step-up',
  'legal-representative',
  'agent',
  'register',
  'recover',
  'change-phone'
] as ScanPurpose[]) {
  addVariant(`qr-${purpose}`, 'scan-code/scan', {
    ...qr,
    purpose,
    tabs: [],
    passwordHref: null,
    counterHref: '/i/fixture/counter'
  })
}
for (const [id, changes] of Object.entries({
  scanned: { state: 'scanned', secondsLeft: 590 },
  identity: { state: 'identity', secondsLeft: 560 },
  face: { state: 'face', secondsLeft: 500 },
  confirmed: { state: 'confirmed' },
  expired: { state: 'expired', secondsLeft: 0, renewals: 3 },
  superseded: { state: 'superseded' },
  rejected: { state: 'rejected', failure: 'declined' },
  failed: { state: 'failed', failure: 'face_failed', triesLeft: 2 },
  'wrong-person': { state: 'failed', failure: 'wrong_person' },
  exhausted: { state: 'failed', failure: 'face_exhausted' }
} satisfies Record<string, Partial<ScanTicketView>>)) {
  const put = ['scanned', 'failed'].includes(id) ? add : addVariant
  put(`qr-${id}`, 'scan-code/scan', {
    ...qr,
    ticket: withTicket({ payloadUrl: id === 'expired' ? ticket.payloadUrl : null, ...changes }),
    counterHref: '/i/fixture/counter'
  })
}

addVariant('counter', 'login/in-person-code', { ...form, rp, errors: [], backHref: '/i/fixture/qr' })
add('counter-errors', 'login/in-person-code', {
  ...form,
  rp: null,
  errors: [{ field: 'code', code: 'invalid' }],
  backHref: '/i/fixture/qr'
})
add('select', 'login/representation', {
  ...form,
  rp,
  ended: false,
  otherAccountHref: '/i/fixture/other',
  logoutHref: '/logout',
  choices: [
    {
      value: 'self',
      kind: 'self',
      name: '扎西*',
      maskedNumber: '540***********0011',
      until: null,
      needs: null,
      blocked: null
    },
    {
      value: 'o1',
      kind: 'legal_representative',
      name: '西藏某某科技有限公司',
      maskedNumber: '9154***********X',
      until: null,
      needs: 'scan',
      blocked: null
    },
    {
      value: 'o2',
      kind: 'agent',
      name: '另一家名字很长很长的有限责任公司拉萨分公司',
      maskedNumber: null,
      until: '2026-12-31',
      needs: 'password',
      blocked: null
    },
    ...(
      [
        'frozen',
        'suspended',
        'organization_suspended',
        'not_yet_valid',
        'expired',
        'pending',
        'to_decide',
        'not_allowed_here'
      ] as const
    ).map((blocked, at) => ({
      value: `b${at}`,
      kind: 'agent' as const,
      name: `某某单位${at}`,
      maskedNumber: null,
      until: null,
      needs: null,
      blocked
    }))
  ]
})
add('agent', 'login/agent', {
  ...form,
  rp,
  organizationName: '西藏某某科技有限公司',
  account: '',
  errors: [{ field: 'account', code: 'agent_unknown' }],
  backHref: '/i/fixture/login?tab=legal'
})
for (const code of [
  'pending',
  'rejected',
  'suspended',
  'revoked',
  'expired',
  'not_allowed_here',
  'password_change',
  'no_agent',
  'no_representative',
  'to_decide',
  'organization_pending',
  'organization_suspended'
] as const) {
  ;(code === 'rejected' ? add : addVariant)(`standing-${code}`, 'login/not-authorized', {
    rp,
    organizationName: '西藏某某科技有限公司',
    role: 'agent',
    code,
    since: code === 'pending' ? '2026-03-02T02:32:00Z' : code === 'expired' ? '2026-03-01' : null,
    againHref: '/i/fixture/login?tab=legal',
    personalHref: '/i/fixture/other',
    decideHref: code === 'to_decide' ? '/me/login?to=/me/agents' : null
  })
}
const asked = {
  ...form,
  rp,
  uscc: '91540102MA6T1A2BXK',
  organizationName: '西藏某某科技有限公司',
  state: null,
  role: 'agent' as const,
  roles: [],
  functions: [],
  otherAccountHref: '/i/fixture/other',
  organizationHref: '/i/fixture/login?tab=legal'
}
add('asked-function', 'login/unmet-request', {
  ...asked,
  code: 'function',
  functions: ['不动产登记申请', '不动产登记查询']
})
addVariant('asked-role', 'login/unmet-request', { ...asked, code: 'role', roles: ['legal_representative'] })
addVariant('asked-organization', 'login/unmet-request', {
  ...asked,
  code: 'organization',
  organizationName: null,
  role: null
})
addVariant('asked-state', 'login/unmet-request', { ...asked, code: 'organization', state: 'suspended' })
const item = { isNew: false, sensitive: false, purpose: null }
const apis = [
  {
    identifier: 'https://api.example.gov.cn/fund',
    name: '公积金接口',
    lang: 'zh-CN' as const,
    scopes: [
      { scope: 'fund:read', text: '查询您的公积金账户', lang: 'zh-CN' as const },
      { scope: 'fund:write', text: 'fund:write', lang: null }
    ]
  }
]
add('consent', 'login/consent', {
  ...form,
  rp,
  apis,
  unit: '西藏自治区住房公积金管理中心',
  verified: true,
  offline: true,
  errors: [{ field: 'scope-identity', code: 'consent_required' }],
  items: [
    {
      ...item,
      scope: 'profile',
      required: true,
      purpose: '办理公积金业务',
      claims: [
        { name: 'name', value: '扎西*' },
        { name: 'name#bo', value: null },
        { name: 'gender', value: null }
      ]
    },
    {
      ...item,
      scope: 'identity',
      required: true,
      sensitive: true,
      isNew: true,
      purpose: '核对缴存人身份',
      claims: [
        { name: 'cert_no', value: '540***********0011' },
        { name: 'unheard_of', value: null }
      ]
    },
    { ...item, scope: 'phone', required: false, claims: [{ name: 'phone_number', value: '139****0000' }] },
    { ...item, scope: 'email', required: false, claims: [{ name: 'email', value: null }] }
  ]
})
addVariant('consent-unverified', 'login/consent', {
  ...form,
  rp,
  unit: null,
  verified: false,
  apis: [],
  offline: false,
  errors: [],
  items: [{ ...item, scope: 'profile', required: true, claims: [{ name: 'name', value: '扎西*' }] }]
})
add('done', 'login/done', { rp, href: '/relying-site' })

add('landing', 'phone-pages/landing', {
  continueHere: form
})
addVariant('landing-closed', 'phone-pages/landing', {
  continueHere: null
})
add('confirm', 'phone-pages/confirm', {
  ...form,
  context,
  digest: 'd',
  purpose: 'login',
  number: 'compare',
  checkNumber: '59',
  person: null,
  remaining: ['identity', 'face'],
  errors: []
})
add('confirm-enter', 'phone-pages/confirm', {
  ...form,
  context: { ...context, browser: '' },
  digest: 'd',
  purpose: 'login',
  number: 'enter',
  checkNumber: null,
  person: { maskedName: '扎西*', maskedCertNo: '540***********0011' },
  remaining: ['face'],
  errors: [{ field: 'check_number', code: 'number_mismatch' }]
})
for (const purpose of [
  'step-up',
  'approve-delegation',
  'organization-password',
  'register',
  'recover',
  'change-phone'
] as PhonePurpose[]) {
  const subject = [
    { name: 'agent', value: '白玛* 540***********2345' },
    { name: 'functions', value: '登录办事' },
    { name: 'valid_to', value: '2027-03-01' },
    { name: 'unheard_of', value: '其他' }
  ]
  const put = purpose === 'approve-delegation' ? add : addVariant
  put(`confirm-${purpose}`, 'phone-pages/confirm', {
    ...form,
    context: {
      ...context,
      subject:
        purpose === 'approve-delegation' ? subject : purpose === 'organization-password' ? subject.slice(0, 1) : []
    },
    digest: 'd',
    purpose,
    number: 'compare',
    checkNumber: '59',
    person: null,
    remaining: [],
    errors: []
  })
}
add('identity', 'phone-pages/identity', {
  ...form,
  steps,
  certTypes: ['resident_id'],
  values,
  known: null,
  consentVersion: '2026-01',
  errors: []
})
add('identity-filled', 'phone-pages/identity', {
  ...form,
  steps,
  certTypes: [
    'resident_id',
    'hkm_residence',
    'tw_residence',
    'foreign_pr',
    'passport',
    'hkm_travel',
    'tw_travel',
    'military',
    'other'
  ],
  values: filled,
  known: null,
  consentVersion: '2026-01',
  errors: []
})
add('identity-errors', 'phone-pages/identity', {
  ...form,
  steps,
  certTypes: ['resident_id', 'passport'],
  values: { ...filled, name: '' },
  known: null,
  consentVersion: '2026-01',
  errors: [
    { field: 'form', code: 'identity_mismatch' },
    { field: 'certType', code: 'unsupported' },
    { field: 'name', code: 'EMPTY' },
    { field: 'certNo', code: 'CHECK' },
    { field: 'validFrom', code: 'FUTURE' },
    { field: 'term', code: 'TERM_MISMATCH' },
    { field: 'consent', code: 'required' }
  ]
})
add('identity-known', 'phone-pages/identity', {
  ...form,
  steps,
  certTypes: ['resident_id'],
  values,
  known: { maskedName: '扎西*', maskedCertNo: '540***********0011', validTo: '2035-06-01' },
  consentVersion: '2026-01',
  errors: []
})
addVariant('identity-known-long', 'phone-pages/identity', {
  ...form,
  steps,
  certTypes: ['resident_id'],
  values,
  known: { maskedName: '扎西*', maskedCertNo: '540***********0011', validTo: null },
  consentVersion: '2026-01',
  errors: []
})
add('identity-check', 'phone-pages/identity-check', {
  ...form,
  steps,
  values: filled,
  consentVersion: '2026-01',
  validTo: '2035-06-01'
})
addVariant('identity-check-long', 'phone-pages/identity-check', {
  ...form,
  steps,
  values: { ...filled, term: 'long' },
  consentVersion: '2026-01',
  validTo: null
})
add('face', 'phone-pages/face', {
  ...form,
  steps: { at: 2, of: 2 },
  tries,
  consentVersion: '2026-01',
  lastFailure: null,
  errors: [],
  counterHref: '/counter'
})
add('face-again', 'phone-pages/face', {
  ...form,
  steps: { at: 2, of: 2 },
  tries,
  consentVersion: '2026-01',
  lastFailure: 'LIVENESS_RISK',
  errors: [{ field: 'consent', code: 'required' }],
  counterHref: '/counter'
})
add('phone-counter', 'phone-pages/in-person-code', { ...form, errors: [], backHref: '/face' })
add('result-ok', 'phone-pages/result', result('ok'))
addVariant('result-ok-here', 'phone-pages/result', result('ok', { continueHref: '/i/fixture/qr' }))
addVariant('result-declined', 'phone-pages/result', result('declined', { changePasswordHref: '/me/password' }))
add(
  'result-failed',
  'phone-pages/result',
  result('failed', { reason: 'NOT_SAME_PERSON', tries, retry: form, counterHref: '/counter' })
)
addVariant('result-pending', 'phone-pages/result', result('pending', { retry: form }))
add(
  'result-unavailable',
  'phone-pages/result',
  result('unavailable', { retry: form, counterHref: '/counter', retryAfterSeconds: 90 })
)
addVariant(
  'result-exhausted',
  'phone-pages/result',
  result('exhausted', { reason: 'A_NEW_REASON', tries: { attempt: 0, day: 0 }, counterHref: '/counter' })
)
export const refusals: RefusalCode[] = [
  'not_found',
  'already_scanned',
  'expired',
  'wrong_state',
  'wrong_person',
  'device_not_bound',
  'number_mismatch',
  'number_exhausted',
  'digest_mismatch',
  'consent_required',
  'identity_mismatch',
  'identity_exhausted',
  'register_unavailable',
  'face_required',
  'face_exhausted',
  'face_unavailable',
  'too_many_requests',
  'code_invalid',
  'invalid_fields',
  'download_code',
  'cancelled',
  'channel_closed'
]
for (const code of refusals) {
  ;(code === 'channel_closed' ? add : addVariant)(`refused-${code}`, 'phone-pages/refused', {
    code,
    counterHref: code === 'face_exhausted' ? '/counter' : null,
  })
}

const back = { href: 'https://www.example.gov.cn/', name: '西藏政务服务网', lang: 'zh-CN' }
add('device-code', 'device-login/code', { action: '/device', csrf, typed: '', errors: [] })
add('device-code-wrong', 'device-login/code', {
  action: '/device',
  csrf,
  typed: 'wdjb mjht',
  errors: [{ field: 'user_code', code: 'unknown' }]
})
for (const code of ['required', 'format', 'used']) {
  addVariant(`device-code-${code}`, 'device-login/code', {
    action: '/device',
    csrf,
    typed: '',
    errors: [{ field: 'user_code', code }]
  })
}
addVariant('device-code-throttled', 'device-login/code', {
  action: '/device',
  csrf,
  typed: 'WDJB-MJHT',
  errors: [{ field: 'user_code', code: 'throttled', details: { minutes: 5 } }]
})
const device = {
  action: '/device/decision',
  csrf,
  userCode: 'WDJB-MJHT',
  place: '10.1.*.*',
  at: '2026-11-22T02:32:00Z',
  self: '/device?user_code=WDJB-MJHT'
}
add('device-confirm', 'device-login/confirm', {
  ...device,
  rp: { name: '办事大厅自助机 03', lang: 'zh-CN', host: 'kiosk.example.gov.cn', logo },
  unit: '拉萨市政务服务中心',
  data: [
    { claims: ['name', 'name#bo', 'gender'], purpose: '在屏幕上显示您的姓名' },
    { claims: ['cert_type', 'cert_no', 'birthdate'], purpose: '核对登记簿' }
  ],
  apis
})
addVariant('device-confirm-plain', 'device-login/confirm', {
  ...device,
  rp: { name: 'Kiosk', lang: 'en', host: '' },
  unit: null,
  place: '',
  data: [],
  apis: []
})
for (const outcome of ['done', 'refused', 'unknown', 'used', 'failed'] as const) {
  add(`device-${outcome}`, 'device-login/outcome', { outcome, againHref: '/device' })
}
add('logout', 'oidc/logout-confirm', {
  form: '<form id="op.logoutForm" method="post" action="/post"><input type="hidden" name="xsrf" value="x"></form>',
  formId: 'op.logoutForm',
  sites: ['西藏政务服务网', '公积金查询'],
  back
})
addVariant('logout-plain', 'oidc/logout-confirm', {
  form: '<form id="op.logoutForm" method="post" action="/post"><input type="hidden" name="xsrf" value="x"></form>',
  formId: 'op.logoutForm',
  sites: [],
  back: null
})
add('logout-done', 'oidc/logout-done', {
  sites: [
    { name: '西藏政务服务网', notified: true },
    { name: '公积金查询', notified: false }
  ],
  next: back
})
addVariant('logout-done-plain', 'oidc/logout-done', { sites: [], next: null })
export const errorKeys: ErrorKey[] = [
  'expired',
  'cookie',
  'bad_client',
  'bad_redirect_uri',
  'oauth',
  'denied_level',
  'denied_kind',
  'csrf',
  'too_many',
  'not_found',
  'server',
  'unavailable',
  'not_started',
  'bad_request',
  'too_large',
  'person_disabled',
  'forbidden',
  'method'
]
for (const key of errorKeys) {
  const put = ['expired', 'bad_redirect_uri', 'too_many'].includes(key) ? add : addVariant
  put(`error-${key}`, 'error', {
    status: 400,
    key,
    restartHref: ['expired', 'csrf', 'denied_level'].includes(key) ? '/i/fixture' : null,
    back: ['expired', 'oauth'].includes(key) ? back : null,
    retryAfterSeconds: key === 'too_many' ? 130 : null,
    developer:
      key === 'bad_redirect_uri'
        ? {
            error: 'invalid_redirect_uri',
            description: "redirect_uri did not match any of the client's registered redirect_uris",
            received: [
              { name: 'client_id', value: 'demo' },
              {
                name: 'redirect_uri',
                value: 'https://a.example.gov.cn/callback/with/a/rather/long/path/that/has/to/wrap?and=query'
              }
            ]
          }
        : null
  })
}
add('home', 'help/home', { demoHref: 'http://localhost:3001/', sandboxHref: '/sandbox', userCentreHref: '/me' })
addVariant('home-plain', 'help/home', { demoHref: null, sandboxHref: null, userCentreHref: null })
for (const name of [
  'help/index',
  'help/privacy',
  'help/terms',
  'help/accessibility',
  'help/manual',
  'help/registration'
] as const) {
  add(name.replace('/', '-'), name, { version: '2026-01' })
}

export const fixtures: readonly Fixture[] = list
