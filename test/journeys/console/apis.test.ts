/** The pages of APIs over HTTP: what is typed is kept, readers change nothing, nothing odd is a fault of ours. */
import t from 'tap'
import { write } from '../../../src/database/transaction.ts'
import { createResourceServer, findResourceServer } from '../../../src/records/resource-servers/index.ts'
import { startKora, type Answer } from '../../support/driver/index.ts'
import { signInAs } from './support.ts'

const kora = await startKora(t)
const { services } = kora.inside
const identifier = 'urn:kora:demo:property'
const api = await findResourceServer(services.db, identifier)
const address = `${kora.issuer}/admin/apis/${api?.id ?? ''}`
const system = await signInAs(kora, 'system')
const isForm = (form: { fields: object }): boolean => 'ttl_seconds' in form.fields
/** Values of text areas, which the driver does not read. */
const areasOf = (page: Answer): Record<string, string> =>
  Object.fromEntries(
    [...page.text.matchAll(/<textarea [^>]*name="(\w+)"[^>]*>\n?([\s\S]*?)<\/textarea>/g)].map(
      ([, name = '', value = '']) => [name, value.trimEnd()]
    )
  )
const save = async (page: Answer, fields: Record<string, string>): Promise<Answer> =>
  await system.browser.submit(page, { ...areasOf(page), ...fields }, { form: isForm })

t.test('a change of somebody else meanwhile: both are told, and nothing that was typed is lost', async (t) => {
  const page = await system.browser.go(address)
  t.match(areasOf(page)['scopes'], /^property:read \| [^|]+ \| {2}\| Read your property records/)
  const other = await system.browser.go(address)
  t.match((await save(other, { name_en: 'Theirs', reason: 'first' })).url, /done=api_changed$/)
  const conflict = await save(page, { name_en: 'Mine', reason: 'second' })
  t.equal(conflict.status, 412)
  const shown = conflict.forms.find(isForm)?.fields ?? {}
  t.match(shown, { name_en: 'Mine', reason: 'second', version: '2' })
  t.match(conflict.text, /Theirs → Mine/)
  t.match((await save(conflict, {})).url, /done=api_changed$/)
  t.equal((await findResourceServer(services.db, identifier))?.names.en, 'Mine')
  t.match((await save(await system.browser.go(address), { reason: 'same' })).url, /done=client_unchanged$/)
  const without = await save(await system.browser.go(address), { name_en: 'Kept', reason: '' })
  t.equal(without.status, 422)
  t.match(without.forms.find(isForm)?.fields, { name_en: 'Kept' })
  const used = await save(await system.browser.go(address), { scopes: 'property:read | 查询', reason: 'x' })
  t.equal(used.status, 422, 'a scope that clients are granted')
  t.match(used.text, /id="scopes-e"/)
})

t.test('less protection is asked of another administrator, and is as it was asked', async (t) => {
  await save(await system.browser.go(address), { minimum_level: '3', reason: 'more' })
  const asked = await save(await system.browser.go(address), {
    minimum_level: 'none',
    introspectors: 'demo-machine',
    reason: 'less'
  })
  t.match(asked.url, /\/admin\/approvals\/chg_/)
  t.equal((await findResourceServer(services.db, identifier))?.minimumLevel, 3)
  const security = await signInAs(kora, 'security')
  const approval = await security.browser.go(asked.url.split('?')[0] ?? '')
  t.match(approval.text, /\/minimumLevel/)
  await security.browser.submit(
    approval,
    { reason: 'read it' },
    { form: (form) => form.action.endsWith('/approve') }
  )
  t.equal((await findResourceServer(services.db, identifier))?.minimumLevel, null)
  t.equal(areasOf(await system.browser.go(address))['introspectors'], 'demo-machine')

  await save(await system.browser.go(address), { minimum_level: '2', reason: 'more' })
  const again = await save(await system.browser.go(address), { minimum_level: 'none', reason: 'less' })
  await save(await system.browser.go(address), { name_en: 'Changed since', reason: 'x' })
  const outdated = await security.browser.go(again.url.split('?')[0] ?? '')
  const refused = await security.browser.submit(
    outdated,
    { reason: 'late' },
    { form: (form) => form.action.endsWith('/approve') }
  )
  t.notMatch(refused.url, /done=change_approve$/)
  t.equal((await findResourceServer(services.db, identifier))?.minimumLevel, 2, 'it was asked from another version')
})

t.test('security and audit read, the counter does not, and none of them changes', async (t) => {
  for (const role of ['security', 'audit'] as const) {
    const { browser } = await signInAs(kora, role)
    const page = await browser.go(address)
    t.equal(page.status, 200)
    t.match(page.text, /<fieldset class="plain" disabled>/)
    t.notMatch(page.text, /\/delete"/)
    const posted = await browser.submit(page, { reason: 'x' }, { form: isForm })
    t.equal(posted.status, 403, role)
    t.equal((await browser.go(`${kora.issuer}/admin/apis/new`)).status, 403)
  }
  const counter = await signInAs(kora, 'counter')
  t.equal((await counter.browser.go(address)).status, 403)
})

t.test('odd values in the form of an API that is there', async (t) => {
  const odd = ['\0\ud800x', '1'.repeat(5000), '| | |\n\n|', '__proto__ | x\nconstructor | y', 'a | b'.repeat(90)]
  for (const value of odd) {
    const fields = ['name_zh', 'name_bo', 'scopes', 'token_format', 'signing_alg', 'ttl_seconds', 'minimum_level']
    for (const name of [...fields, 'introspectors', 'version', 'identifier']) {
      const page = await system.browser.go(name === 'identifier' ? `${kora.issuer}/admin/apis/new` : address)
      const answer = await save(page, { [name]: value, reason: 'x' })
      t.ok(answer.status < 500, `${name}: ${answer.status}`)
    }
  }
  for (const path of ['/history?after=x', '/history?format=csv', '/status/x', '/status/active', '/delete']) {
    t.ok((await system.browser.go(address + path)).status < 500, path)
  }
})

t.test('disable, enable, delete, and the way there by the search', async (t) => {
  const act = { actor: 'operator:test' as const, reason: 'x', address: null, traceId: null }
  const content = { names: { 'zh-CN': '闲置' }, scopes: { 'idle:read': { 'zh-CN': '查询' } } }
  await write(services, createResourceServer, { act, identifier: 'urn:idle', content })
  const find = async (q: string): Promise<Answer> =>
    await system.browser.submit(
      await system.browser.go(`${kora.issuer}/admin`),
      { q },
      { form: (form) => form.action.endsWith('/search') }
    )
  t.match((await find('urn:idle')).text, /data-api="urn:idle"/)
  const idle = await findResourceServer(services.db, 'urn:idle')
  const page = await find(idle?.id ?? '')
  t.equal(new URL(page.url).pathname, `/admin/apis/${idle?.id ?? ''}`)
  const done = async (tail: string): Promise<string> =>
    (await system.browser.submit(
      await system.browser.go(`${kora.issuer}/admin/apis/${idle?.id ?? ''}/${tail}`),
      { reason: 'x' },
      { form: (form) => form.action.endsWith(tail) }
    )).url
  t.match(await done('status/disabled'), /done=api_changed$/)
  t.equal((await findResourceServer(services.db, 'urn:idle'))?.status, 'disabled')
  t.match(await done('status/active'), /done=api_changed$/)
  t.match(await done('delete'), /\/admin\/apis\?done=api_deleted$/)
  t.equal(await findResourceServer(services.db, 'urn:idle'), null)
  t.equal((await system.browser.go(`${kora.issuer}/admin/apis/${idle?.id ?? ''}`)).status, 404)
  t.match((await system.browser.go(`${kora.issuer}/admin/apis?format=csv`)).text, /^\W?"?identifier/)
})
