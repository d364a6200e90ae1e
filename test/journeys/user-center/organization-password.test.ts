import t from 'tap'
import * as oidc from 'openid-client'
import {
  arrivedAt,
  at,
  demoParty,
  payloadOf,
  scanAndReturn,
  startKora,
  submitOrganization,
  submitPassword,
  words,
  type Answer,
  type Browser,
  type Kora,
  type RelyingParty
} from '../../support/driver/index.ts'
import { enterAgent, enterLegal, link, organizationId, scan } from './support.ts'
import { said, saidInOrder } from '../../support/texts.ts'
import { codeOf } from '../../support/organizations.ts'

const old = 'Snow-lion-2026'
const fresh = 'Butter-lamp-88'
const address = (kora: Kora): string => `${kora.issuer}/me/organization-password`
const passwordForm = (form: { fields: object }): boolean => 'new_password' in form.fields

async function type (browser: Browser, page: Answer, password: string, again = password): Promise<Answer> {
  return await browser.submit(page, { new_password: password, again }, { form: passwordForm })
}

async function atSite (
  party: RelyingParty,
  browser: Browser,
  handle: string,
  password: string,
  role: 'legal_representative' | 'agent'
) {
  const started = await party.start()
  return {
    started,
    page: await submitOrganization(
      browser,
      await party.visit(browser, started),
      { uscc: codeOf(handle), password, role },
      party.arrived
    )
  }
}

t.test(
  'an agent is revoked: the others wait; the legal representative changes the password by scan and face; they come ' +
    'in again',
  async (t) => {
    const kora = await startKora(t)
    const { db } = kora.inside.services
    const party = await demoParty(kora, 'demo-site')
    const legal = (await enterLegal(kora, 'cunjiti')).browser
    const organization = await organizationId(kora, 'cunjiti')

    // zhuoma acts for it, in a browser that stands for her; and has a session
    const hers = kora.newBrowser()
    const first = await atSite(party, hers, 'cunjiti', old, 'agent')
    const tokens = await party.redeem(
      first.started,
      arrivedAt(party, await scanAndReturn(hers, kora.sandbox, first.page, 'zhuoma', party.arrived))
    )
    t.match(tokens.claims()?.['representation'], { role: 'agent' })

    // another one is added and revoked
    const form = await legal.go(`${kora.issuer}/me/agents/new`)
    const content = await legal.submit(
      form,
      { name: '王小梅', cert_no: '11010519491231002x', phone: '15100151000' },
      { form: (one) => 'starts' in one.fields }
    )
    t.match(
      (await scan(kora, legal, await legal.submit(content, {}, { form: (one) => 'digest' in one.fields }), 'gesang'))
        .page.text,
      said('user-center.result.approved')
    )
    const revoke = await legal.go(link(await legal.go(`${kora.issuer}/me/agents`), '撤销 **梅'))
    t.match(
      words((await legal.submit(revoke, {}, { form: (one) => one.action.endsWith('/revoke') })).text),
      said('user-center.result.revoked')
    )
    t.match(
      await db
        .selectFrom('organization')
        .select('passwordMustChange')
        .where('id', '=', organization)
        .executeTakeFirst(),
      { passwordMustChange: true }
    )

    hers.dropCookies((name) => name.endsWith('kora_session'))
    const barred = await atSite(party, hers, 'cunjiti', old, 'agent')
    t.match(at(barred.page), /\/standing$/)
    t.match(words(barred.page.text), said('login.not-authorized.password_change.title'))
    // she herself comes in with the old one, to change it: her browser stands for nobody now
    const door = kora.newBrowser()
    const qrAtDoor = await submitOrganization(
      door,
      await door.go(`${kora.issuer}/me/login?to=/me/organization-password`),
      { uscc: codeOf('cunjiti'), password: old }
    )
    t.match(at(qrAtDoor), /\/qr$/, 'scan and face, however long she has been known here')
    const page = await scanAndReturn(door, kora.sandbox, qrAtDoor, 'gesang', () => false)
    t.equal(at(page), '/me/organization-password')
    t.match(words(page.text), /单位密码 林周县示例村股份经济合作社 有代理人离开/)
    t.match(words(page.text), said('fault.new_password.length', { min: 8, max: 64 }), 'the rules of the active profile')

    for (const [password, again, says] of [
      ['', '', said('error_summary.title')],
      [fresh, 'Butter-lamp-89', said('fault.again.different')],
      [
        `Ab-${codeOf('cunjiti').slice(3, 11)}!`,
        undefined,
        /新密码 (不能是常用密码，不能太有规律 )?不能含有代码、证件号、手机号、姓名或生日 显示/
      ],
      [
        '林周县示例村-2b',
        undefined,
        /新密码 (不能是常用密码，不能太有规律 )?不能含有代码、证件号、手机号、姓名或生日 显示/
      ],
      [
        '格桑格桑-88-格桑',
        undefined,
        /新密码 (不能是常用密码，不能太有规律 )?不能含有代码、证件号、手机号、姓名或生日 显示/
      ],
      ['password1', undefined, /新密码 不能是常用密码，不能太有规律 显示/],
      ['short1', undefined, /新密码 8 到 64 位/]
    ] as Array<[string, string | undefined, RegExp]>) {
      const refused = await type(door, page, password, again ?? password)
      t.equal(refused.status, 422, password)
      t.match(words(refused.text), says)
    }
    t.equal(
      (await db.selectFrom('organizationPasswordDraft').selectAll().execute()).length,
      0,
      'nothing of that is kept'
    )

    const qr = await type(door, page, fresh)
    t.equal(at(qr), '/me/organization-password/qr')
    t.match(words(qr.text), saidInOrder('scan-code.title.organization-password', /请这位扫码 \*桑/))
    const confirmed = await scan(kora, door, qr, 'gesang')
    t.equal(confirmed.phone.outcome, 'confirmed', JSON.stringify(confirmed.phone.steps.at(-1)))
    const shown = confirmed.phone.steps.find(({ step }) => step === 'scan')?.response as {
      context: { subject: object }
      requires: string[]
    }
    t.match(shown.context.subject, { organization: /^林周县示例村股份经济合作社（.{18}）$/ })
    t.ok(shown.requires.includes('face'))
    t.equal(at(confirmed.page), '/me/organization-password/changed')
    t.match(words(confirmed.page.text), said('user-center.organization-password.changed'))

    const stored = await db
      .selectFrom('organization')
      .selectAll()
      .where('id', '=', organization)
      .executeTakeFirstOrThrow()
    t.match(stored, { passwordMustChange: false })
    t.ok(await kora.inside.services.hasher.verify(stored.passwordHash, fresh))
    const standing = await db
      .selectFrom('trustedBrowser')
      .select('browserHash')
      .where('organizationId', '=', organization)
      .where('revokedAt', 'is', null)
      .execute()
    t.same(standing, [], 'no browser stands for anybody behind the old password')
    const told = await db
      .selectFrom('message')
      .select('personId')
      .where('kind', '=', 'security-organization-password-changed')
      .execute()
    t.same(
      told.map(({ personId }) => personId).sort(),
      [(await kora.sandbox.account('gesang')).person_id, (await kora.sandbox.account('zhuoma')).person_id].sort(),
      'she and the agents in force; nobody who left'
    )
    const event = await db
      .selectFrom('auditEvent')
      .selectAll()
      .where('type', '=', 'organization.password-changed')
      .orderBy('id')
      .execute()
    t.match(event, [
      {
        outcome: 'success',
        role: 'legal_representative',
        organizationId: organization,
        personId: (await kora.sandbox.account('gesang')).person_id
      }
    ])
    t.match(
      await oidc.fetchUserInfo(party.config, tokens.access_token, tokens.claims()?.sub ?? ''),
      { representation: { role: 'agent' } },
      'no session depended on it'
    )

    t.match(
      words((await atSite(party, kora.newBrowser(), 'cunjiti', old, 'agent')).page.text),
      said('console.overview.reason.wrong_account_or_password')
    )
    const again = await atSite(party, hers, 'cunjiti', fresh, 'agent')
    t.match(at(again.page), /\/qr$/, 'in the same browser, but the person is shown anew')
    const renewed = await party.redeem(
      again.started,
      arrivedAt(party, await scanAndReturn(hers, kora.sandbox, again.page, 'zhuoma', party.arrived))
    )
    t.match(renewed.claims()?.['representation'], { role: 'agent' })
  }
)

t.test('T035: nobody else, and nothing less', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const hashOf = async (): Promise<string | null> =>
    (
      await db
        .selectFrom('organization')
        .select('passwordHash')
        .where('uscc', '=', codeOf('cunjiti'))
        .executeTakeFirstOrThrow()
    ).passwordHash
  const before = await hashOf()

  const agent = (await enterAgent(kora, 'zhuoma', 'cunjiti')).browser
  const refused = await agent.go(address(kora))
  t.equal(refused.status, 403)
  t.match(words(refused.text), said('user-center.not_allowed.not_legal_representative'))
  t.notMatch(refused.text, /href="\/me\/organization-password"/, 'not even a link')

  const legal = (await enterLegal(kora, 'cunjiti')).browser
  const page = await legal.go(address(kora))
  const csrf = /name="csrf" value="([^"]+)"/.exec(refused.text)?.[1] ?? ''
  for (const [path, fields] of [
    ['', { new_password: fresh, again: fresh }],
    ['/qr/renew', {}],
    ['/qr/st_x/check', {}]
  ] as Array<[string, Record<string, string>]>) {
    const body = new URLSearchParams({
      ...fields,
      csrf,
      role: 'legal_representative',
      organization_id: await organizationId(kora, 'cunjiti')
    })
    const answer = await agent.request(`${address(kora)}${path}`, {
      method: 'POST',
      body,
      headers: { origin: kora.issuer }
    })
    t.equal(answer.status, 403, path)
  }
  t.equal((await agent.request(`${address(kora)}/qr/st_x/finish`)).status, 403)
  t.equal(
    at(await legal.go(`${address(kora)}/qr`)),
    '/me/organization-password',
    'nothing is typed, so there is no code'
  )
  const events = await db
    .selectFrom('auditEvent')
    .select(['type', 'outcome', 'reason'])
    .where('type', '=', 'organization.password-changed')
    .orderBy('id')
    .execute()
  t.ok(
    events.length === 5 &&
      events.every((event) => event.outcome === 'denied' && event.reason === 'not_legal_representative'),
    'each try is in the trail'
  )

  await t.test('the phone of the agent, a wrong number, no face', async (t) => {
    const bind = kora.newBrowser()
    const zhuoma = await kora.sandbox.account('zhuoma')
    const strong = await submitPassword(bind, await bind.go(`${kora.site}/login?acr_values=urn:kora:loa:3`), {
      account: zhuoma.cert_no,
      password: zhuoma.password
    })
    t.equal((await kora.sandbox.journey({ payload: payloadOf(strong), person: 'zhuoma' })).outcome, 'confirmed')
    let qr = await type(legal, page, fresh)
    const { phone, page: told } = await scan(kora, legal, qr, 'zhuoma')
    t.match(JSON.stringify(phone.steps.at(-1)), /wrong_person/)
    t.match(words(told.text), said('scan-code.status.wrong_person.approve-delegation'))
    for (const fault of [{ check_number: '00' }, { face: 'mismatch' }]) {
      qr = await legal.submit(told, {}, { form: (form) => form.action.endsWith('/renew') })
      t.not((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'gesang', ...fault })).outcome, 'confirmed')
      t.notMatch(
        words((await legal.submit(qr, {}, { form: (form) => form.action.endsWith('/check') })).text),
        said('user-center.organization-password.changed')
      )
    }
    t.equal(await hashOf(), before)
  })

  await t.test('a ticket for what was typed before sets nothing else', async (t) => {
    const qr = await type(legal, page, fresh)
    t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'gesang' })).outcome, 'confirmed')
    const id = /data-id="([^"]+)"/.exec(qr.text)?.[1] ?? ''
    t.match(at(await type(legal, page, 'Prayer-flag-77')), /\/qr$/)
    const late = await legal.go(`${address(kora)}/qr/${id}/finish`)
    t.equal(late.status, 409)
    t.match(words(late.text), said('user-center.organization-password.face_required'))
    t.equal(await hashOf(), before)
  })

  await t.test('another legal representative meanwhile: nothing is set, and it is told', async (t) => {
    const qr = await type(legal, page, fresh)
    t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'gesang' })).outcome, 'confirmed')
    await db
      .updateTable('organization')
      .set({ legalRepresentativeId: (await kora.sandbox.account('awang')).person_id })
      .where('uscc', '=', codeOf('cunjiti'))
      .execute()
    const answer = await legal.submit(qr, {}, { form: (form) => form.action.endsWith('/check') })
    t.equal(answer.status, 403)
    t.equal(await hashOf(), before)
  })
})

t.test('pressed in six windows at once: changed once', async (t) => {
  const kora = await startKora(t)
  const { browser } = await enterLegal(kora, 'simiao')
  const qr = await type(browser, await browser.go(address(kora)), fresh)
  const id = /data-id="([^"]+)"/.exec(qr.text)?.[1] ?? ''
  t.equal((await kora.sandbox.journey({ payload: payloadOf(qr), person: 'awang' })).outcome, 'confirmed')
  const windows = await Promise.all(
    Array.from({ length: 6 }, async () => await browser.clone().go(`${qr.url}/${id}/finish`))
  )
  t.same(
    windows.filter(({ status }) => status !== 200 && status !== 409),
    []
  )
  t.equal(
    (
      await kora.inside.services.db
        .selectFrom('auditEvent')
        .select('type')
        .where('type', '=', 'organization.password-changed')
        .execute()
    ).length,
    1
  )
  t.ok(windows.some((page) => said('user-center.organization-password.changed').test(page.text)))
})
