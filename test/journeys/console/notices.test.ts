import t from 'tap'
import { draftNotice } from '../../../src/records/messages/index.ts'
import { startKora } from '../../support/driver/index.ts'
import { approve, signInAs } from './support.ts'

t.test('S8: nobody alone tells everybody', async (t) => {
  const kora = await startKora(t)
  const { services } = kora.inside
  const system = await signInAs(kora, 'system')
  const { id: personId } = await services.db
    .selectFrom('person')
    .select('id')
    .limit(1)
    .executeTakeFirstOrThrow()
  const draft = async (audience: 'everybody' | 'person'): Promise<string> => {
    const made = await draftNotice(
      services,
      { actor: `admin:${system.id}`, reason: '停机', address: null, traceId: null },
      {
        audience,
        targetId: audience === 'person' ? personId : null,
        texts: { 'zh-CN': { title: '停机通知', body: '周六停机' } },
        sms: false
      }
    )
    if (!made.ok) throw new Error(JSON.stringify(made))
    return made.id
  }
  const send = async (id: string): Promise<string> => {
    const page = await system.browser.go(`${kora.issuer}/admin/notices/${id}/send`)
    const answer = await system.browser.submit(
      page,
      { reason: '停机', ...(page.text.includes('name="typed"') ? { typed: '停机通知' } : {}) },
      { form: (form) => form.action.endsWith('/send') }
    )
    return new URL(answer.url).pathname
  }
  const stateOf = async (id: string): Promise<string> =>
    (await services.db.selectFrom('notice').select('state').where('id', '=', id).executeTakeFirstOrThrow()).state
  const all = await draft('everybody')
  const waiting = await send(all)
  t.match(waiting, /^\/admin\/approvals\/chg_/)
  t.equal(await stateOf(all), 'draft')
  t.equal(await send(all), waiting, 'it waits once')
  await approve(kora, waiting)
  t.not(await stateOf(all), 'draft', 'sent when another administrator approved it')
  const some = await draft('person')
  t.equal(await send(some), `/admin/notices/${some}`, 'to some at once')
  t.not(await stateOf(some), 'draft')
})
