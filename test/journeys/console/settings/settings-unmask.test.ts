/** Doing without a second administrator for showing people in full takes a second administrator. */
import t from 'tap'
import { startKora, words } from '../../../support/driver/index.ts'
import { readUnmaskingNeedsApproval } from '../../../../src/records/settings/unmask.ts'
import { signInAs } from '../support.ts'
import { saidInOrder } from '../../../support/texts.ts'

t.setTimeout(300_000)

t.test('off by two, on by one; each with what it was', async (t) => {
  const kora = await startKora(t)
  const { db } = kora.inside.services
  const [system, security] = [await signInAs(kora, 'system'), await signInAs(kora, 'security')]
  const page = `${kora.issuer}/admin/settings/reveal`
  const isConfirm = (form: { action: string }): boolean => form.action.endsWith('/settings/reveal')
  t.match(
    words((await system.browser.go(`${kora.issuer}/admin/settings`)).text),
    saidInOrder('console.settings.unmask', /要由另一位管理员批准 取消第二人批准/)
  )
  t.equal((await security.browser.request(page)).status, 403, 'not by who approves it')

  const without = await system.browser.submit(await system.browser.go(page), { reason: ' ' }, { form: isConfirm })
  t.equal(without.status, 422)
  const asked = await system.browser.submit(
    await system.browser.go(page),
    { reason: '窗口人手不足' },
    { form: isConfirm }
  )
  t.match(new URL(asked.url).pathname, /^\/admin\/approvals\/chg_/)
  t.equal(await readUnmaskingNeedsApproval(db), true, 'asked for is not done')
  const approval = await security.browser.go(asked.url)
  t.match(words(approval.text), saidInOrder('console.settings.unmask.off', 'console.settings.unmask.one'))
  await security.browser.submit(approval, { reason: '同意' }, { form: ({ action }) => action.endsWith('/approve') })
  t.equal(await readUnmaskingNeedsApproval(db), false)

  t.match(
    words((await system.browser.go(`${kora.issuer}/admin/settings`)).text),
    /一位管理员写明原因即可 恢复第二人批准/
  )
  const again = await system.browser.submit(await system.browser.go(page), { reason: '恢复' }, { form: isConfirm })
  t.equal(new URL(again.url).pathname, '/admin/settings')
  t.equal(await readUnmaskingNeedsApproval(db), true, 'more protection takes nobody else')
  const events = await db
    .selectFrom('auditEvent')
    .select(['actor', 'reason', 'details'])
    .where('type', '=', 'setting.changed')
    .orderBy('id')
    .execute()
  t.match(events, [
    {
      actor: `admin:${security.id}`,
      reason: '同意',
      details: { name: 'reveal_four_eyes', before: true, after: false }
    },
    { actor: `admin:${system.id}`, reason: '恢复', details: { name: 'reveal_four_eyes', before: false, after: true } }
  ])
  t.equal(events.length, 2)
})
