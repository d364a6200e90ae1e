/** 地址: the tester, and recent failed requests, each of which can be corrected with one click and a confirmation. */
import type { FastifyReply } from 'fastify'
import { write } from '../../../database/transaction.ts'
import { explainAddress, type AddressReport } from '../../../domain/client/address.ts'
import { selectUriRules, validateClient, type ClientRules } from '../../../domain/client/metadata.ts'
import type { ClientRecord } from '../../../domain/client/record.ts'
import { changeClient, dismissFailure } from '../../../records/clients/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { conflictPage, tabPage, toTyped } from './edit.ts'
import { addHref, isParameter, lists, type TesterResult } from './address-part.ts'
import { faultWords } from '../controls.ts'
import { askApproval, describeOwnClient, mayChange, buildPath, readers, writers } from './layout.ts'

function describeResult (c: ConsoleRequest, client: ClientRecord, report: AddressReport): TesterResult {
  const code = report.parameter ?? 'redirect_uri'
  return {
    address: report.address,
    matches: report.matches,
    otherClient: report.clientId === null || report.clientId === client.clientId ? null : report.clientId,
    nearest: report.nearest?.address ?? null,
    differences: (report.nearest?.differences ?? []).map(({ name, received, registered }) => ({
      text: c.t(`console.clients.difference.${name}`),
      received,
      registered
    })),
    fault: report.fault === null ? null : faultWords(c.t, { ...report.fault, received: '' }),
    addHref:
      !report.matches && report.fault === null && mayChange(c, client)
        ? addHref(client.clientId, code, report.address)
        : null
  }
}

export function registerClientAddresses (console: Console, rules: ClientRules): void {
  const { deps } = console
  // posted: a pasted request may hold anything
  console.page({
    method: 'POST',
    path: '/admin/clients/:id/addresses/test',
    roles: readers,
    handler: async (c) => {
      const client = await describeOwnClient(c, console)
      const pasted = c.field('pasted').slice(0, 8000)
      const { redirect_uris: redirectUris = [], post_logout_redirect_uris: postLogoutRedirectUris = [] } =
        client.metadata
      const result =
        pasted.trim() === ''
          ? null
          : describeResult(
            c,
            client,
            explainAddress({
              pasted,
              registered: { redirectUris, postLogoutRedirectUris },
              rules: selectUriRules(rules, client.kind)
            })
          )
      return await tabPage(console, c, { client, tab: 'addresses', rules, shown: { tester: { pasted, result } } })
    }
  })

  const asked = (c: ConsoleRequest): { code: string; address: string } => {
    const query = c.request.query as Record<string, unknown>
    const read = (name: string): string =>
      c.request.method === 'GET' ? (typeof query[name] === 'string' ? query[name] : '') : c.field(name)
    return { code: read('code'), address: read('address').slice(0, 2000) }
  }
  const model = (
    c: ConsoleRequest,
    client: ClientRecord,
    { act, code, address }: { act: 'add' | 'dismiss'; code: string; address: string }
  ): Parameters<ConsoleRequest['confirm']>[0] => ({
    title: c.t(`console.clients.address.${act}`),
    lead: c.t(`console.clients.address.${act}.lead`, { name: client.policy.names['zh-CN'] }),
    facts: [
      {
        name: c.t.code([`console.clients.failure.${code}`], 'console.clients.failure.other'),
        value: address === '' ? code : address
      }
    ],
    action: buildPath(client.clientId, `addresses/${act}`),
    hidden: [
      { name: 'code', value: code },
      { name: 'address', value: address },
      { name: 'version', value: String(client.version) }
    ],
    submit: c.t(`console.clients.address.${act}`),
    backHref: buildPath(client.clientId, 'addresses')
  })
  const changeable = async (c: ConsoleRequest): Promise<ClientRecord> => {
    const client = await describeOwnClient(c, console)
    return mayChange(c, client) ? client : c.notFound()
  }

  for (const act of ['add', 'dismiss'] as const) {
    const path = `/admin/clients/:id/addresses/${act}`
    console.page({
      method: 'GET',
      path,
      roles: writers,
      handler: async (c) => {
        const client = await changeable(c)
        const what = asked(c)
        return act === 'add' && !isParameter(what.code) ? c.notFound() : c.confirm(model(c, client, { act, ...what }))
      }
    })
    console.page({
      method: 'POST',
      path,
      roles: writers,
      handler: async (c): Promise<FastifyReply> => {
        const client = await changeable(c)
        const what = asked(c)
        const confirmed = c.confirmed()
        if (!confirmed.ok) {
          return c.confirm({
            ...model(c, client, { act, ...what }),
            reason: confirmed.reason,
            errors: confirmed.errors
          })
        }
        if (act === 'dismiss') {
          await write(deps, dismissFailure, { act: confirmed.act, clientId: client.clientId, failure: what })
          return c.redirect(buildPath(client.clientId, 'addresses'), 'client_changed')
        }
        if (!isParameter(what.code)) return c.notFound()
        const typed = toTyped(client)
        const list = lists[what.code]
        typed.metadata[list] = [...(client.metadata[list] ?? []), what.address]
        const checked = validateClient(typed, rules)
        if (!checked.ok) {
          return await tabPage(console, c, {
            client,
            tab: 'addresses',
            rules,
            shown: {
              typed,
              faults: checked.faults,
              reason: confirmed.act.reason
            }
          })
        }
        const changed = await write(deps, changeClient, {
          act: confirmed.act,
          clientId: client.clientId,
          version: c.version(),
          content: checked.content
        })
        switch (changed.outcome) {
          case 'changed':
            return c.redirect(buildPath(client.clientId, 'addresses'), 'client_changed')
          case 'unchanged':
            return c.redirect(buildPath(client.clientId, 'addresses'), 'client_unchanged')
          case 'conflict':
            return await conflictPage(console, c, { extract: changed, tab: 'addresses' })
          case 'approval_needed':
            return await askApproval(c, { client, content: checked.content, act: confirmed.act })
          default:
            return c.notFound()
        }
      }
    })
  }
}
