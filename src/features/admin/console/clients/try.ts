/** A4 测试: the preview, and the way into a trial login (trial.ts). */
import type { ClientRecord } from '../../../../domain/client-record.ts'
import type { Role } from '../../../../domain/representation.ts'
import { usesSecret } from '../../../clients/index.ts'
import type { Console, ConsoleRequest } from '../../console.ts'
import { clientOf, frameOf, mayChange, pathOf, readers } from './frame.ts'
import { previewOf, previewRoles } from './preview.ts'
import { trialPossible } from './trial.ts'

const json = (value: unknown): string => JSON.stringify(value, null, 2)

export function registerClientTest (console: Console): void {
  const { config, clock } = console.services
  console.page({
    method: 'GET',
    path: '/admin/clients/:id/test',
    roles: readers,
    handler: async (c) => {
      const client = await clientOf(c, console)
      const roles = previewRoles(client)
      const { as } = c.request.query as { as?: unknown }
      const role: Role = roles.find((one) => one === as) ?? roles[0] ?? 'self'
      const { idToken, userinfo, consent } = previewOf(client, role, config.issuer, clock.now())
      const note = trialNote(c, client)
      return c.page('admin/client-test', {
        client: frameOf(c, client, 'test'),
        people: roles.map((one) => ({ value: one, label: c.t(`clients.value.roles.${one}`), current: one === role })),
        idToken: json(idToken),
        userinfo: json(userinfo),
        consent: { skipped: consent.skipped, lines: consent.lines.map((line) => ({ ...line, claims: line.claims.join(', ') })) },
        trial: note === null ? { action: pathOf(client.clientId, 'test'), asksSecret: usesSecret(client.metadata) } : null,
        trialNote: note
      })
    }
  })

  function trialNote (c: ConsoleRequest, client: ClientRecord): string | null {
    if (!mayChange(c, client)) return c.t('clients.trial.not_yours')
    return trialPossible(client) ? null : c.t(client.status === 'test' ? 'clients.trial.not_this_kind' : 'clients.trial.only_test')
  }
}
