import t from 'tap'
import { command } from '../../src/cli/delegation.ts'
import { startKora } from '../support/driver/index.ts'

t.test('kora delegation: listed, shown masked, revoked with a reason', async (t) => {
  const {
    inside: { services }
  } = await startKora(t)
  t.capture(console, 'error', () => {})
  const run = async (...args: string[]): Promise<{ code: number; out: string }> => {
    const out: string[] = []
    return {
      code: await command.run(args, services, (line) => {
        out.push(line)
      }),
      out: out.join('\n')
    }
  }
  const list = JSON.parse((await run('list', '--uscc', '91540102MA6T1A2BXK', '--json')).out).delegations as Array<{
    id: string
    state: string
  }>
  t.same(list.map(({ state }) => state).sort(), ['active', 'active', 'revoked'])
  const active = list.find(({ state }) => state === 'active')?.id ?? ''
  t.match((await run('list', '--state', 'active')).out, active)
  const shown = await run('show', active, '--json')
  t.match(JSON.parse(shown.out), {
    id: active,
    versions: [{ state: 'active', organization: '西藏示例科技有限公司', agent: /\*/, agent_number: /\*/ }]
  })
  for (const wrong of [
    ['sing'],
    ['show'],
    ['revoke', active],
    ['revoke', active, '--reason', ' '],
    ['list', 'x', 'y', 'z'],
    ['list', '--colour']
  ]) {
    t.equal((await run(...wrong)).code, 2, wrong.join(' '))
  }
  t.equal((await run('show', 'dlg_nobody')).code, 1)
  t.same(await run('revoke', 'dlg_nobody', '--reason', 'x', '--json'), { code: 1, out: '{"error":"unknown"}' })
  t.same(await run('revoke', active, '--reason', 'court order', '--operator', 'lhamo', '--json'), {
    code: 0,
    out: JSON.stringify({ revoked: active })
  })
  t.same(await run('revoke', active, '--reason', 'again', '--json'), { code: 1, out: '{"error":"unchanged"}' })
  t.match(
    await services.db
      .selectFrom('auditEvent')
      .select(['actor', 'reason'])
      .where('type', '=', 'delegation.revoked')
      .orderBy('id')
      .executeTakeFirst(),
    { actor: 'operator:lhamo', reason: 'court order' }
  )
})
