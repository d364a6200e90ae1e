/** Acts on a client besides its forms: status, secrets, picture. Each has a page that asks for the reason. */
import type { FastifyReply } from 'fastify'
import { inTransaction, write } from '../../../database/transaction.ts'
import { clientStatuses, type ClientRecord, type ClientStatus } from '../../../domain/client/record.ts'
import {
  clientSecretKind,
  clientStatusKind,
  deleteDraft,
  endClientSecret,
  listSecrets,
  rotateSecret,
  setClientStatus,
  statusSteps,
  storeLogo,
  type ClientStatusRequest
} from '../../../records/clients/index.ts'
import type { Act } from '../../../domain/administration/administration.ts'
import type { ClientRules } from '../../../domain/client/metadata.ts'
import type { Console, ConsoleRequest, ConfirmModel } from '../console.ts'
import { tabPage } from './edit.ts'
import { describeOwnClient, mayChange, buildPath, writers } from './layout.ts'

type Model = Parameters<ConsoleRequest['confirm']>[0]

export function registerClientActs (console: Console, rules: ClientRules): void {
  const { deps } = console
  const changeable = async (c: ConsoleRequest): Promise<ClientRecord> => {
    const client = await describeOwnClient(c, console)
    return mayChange(c, client) ? client : c.notFound()
  }
  const parameter = (c: ConsoleRequest, name: string): string =>
    (c.request.params as Record<string, string>)[name] ?? ''
  const facts = (c: ConsoleRequest, client: ClientRecord): ConfirmModel['facts'] => [
    { name: c.t('console.clients.name'), value: client.policy.names['zh-CN'] },
    { name: c.t('console.clients.client_id'), value: client.clientId },
    { name: c.t('console.clients.status'), value: c.t(`console.clients.status.${client.status}`) }
  ]

  /** The page before an act, and the act. */
  const act = (
    path: string,
    model: (c: ConsoleRequest, client: ClientRecord) => Model | null | Promise<Model | null>,
    work: (c: ConsoleRequest, client: ClientRecord, by: Act) => Promise<FastifyReply>
  ): void => {
    const buildModel = async (c: ConsoleRequest, client: ClientRecord): Promise<Model> =>
      (await model(c, client)) ?? c.notFound()
    console.page({
      method: 'GET',
      path,
      roles: writers,
      reauth: true,
      handler: async (c) => c.confirm(await buildModel(c, await changeable(c)))
    })
    console.page({
      method: 'POST',
      path,
      roles: writers,
      reauth: true,
      handler: async (c) => {
        const client = await changeable(c)
        const shown = await buildModel(c, client)
        const confirmed = c.confirmed(shown.typed ?? null)
        return confirmed.ok
          ? await work(c, client, confirmed.act)
          : c.confirm({ ...shown, reason: confirmed.reason, errors: confirmed.errors })
      }
    })
  }

  const statusIn = (c: ConsoleRequest, client: ClientRecord): Exclude<ClientStatus, 'draft'> | null =>
    (clientStatuses.find(
      (one) => one !== 'draft' && one === parameter(c, 'status') && statusSteps[client.status].includes(one)
    ) as Exclude<ClientStatus, 'draft'> | undefined) ?? null
  act(
    '/admin/clients/:id/status/:status',
    (c, client) => {
      const status = statusIn(c, client)
      return status === null
        ? null
        : {
            title: c.t(`console.clients.status.to.${status}`),
            lead: c.t(`console.clients.status.to.${status}.lead`),
            facts: facts(c, client),
            action: buildPath(client.clientId, `status/${status}`),
            typed: status === 'disabled' ? client.clientId : null,
            submit: c.t(`console.clients.status.to.${status}`),
            backHref: buildPath(client.clientId)
          }
    },
    async (c, client, by) => {
      const status = statusIn(c, client) ?? c.notFound()
      const moved = await write(deps, setClientStatus, {
        act: by,
        clientId: client.clientId,
        version: client.version,
        status
      })
      if (moved.outcome === 'invalid') {
        return await tabPage(console, c, { client, tab: 'basic', rules, shown: { faults: moved.faults } })
      }
      if (moved.outcome === 'approval_needed') {
        const payload: ClientStatusRequest = { clientId: client.clientId, status }
        return await c.askApproval({ kind: clientStatusKind, payload, subject: client.clientId, act: by })
      }
      return c.redirect(buildPath(client.clientId), moved.outcome === 'changed' ? 'client_changed' : 'client_unchanged')
    }
  )

  act(
    '/admin/clients/:id/delete',
    (c, client) =>
      client.status !== 'draft'
        ? null
        : {
            title: c.t('console.clients.delete'),
            lead: c.t('console.clients.delete.lead'),
            facts: facts(c, client),
            action: buildPath(client.clientId, 'delete'),
            typed: client.clientId,
            submit: c.t('console.clients.delete'),
            backHref: buildPath(client.clientId)
          },
    async (c, client, by) =>
      (await write(deps, deleteDraft, { act: by, clientId: client.clientId })) === 'deleted'
        ? c.redirect('/admin/clients', 'client_deleted')
        : c.notFound()
  )

  act(
    '/admin/clients/:id/credentials/rotate',
    (c, client) => ({
      title: c.t('console.clients.secret.rotate'),
      lead: c.t('console.clients.secret.rotate.lead'),
      facts: facts(c, client),
      action: buildPath(client.clientId, 'credentials/rotate'),
      submit: c.t('console.clients.secret.rotate'),
      backHref: buildPath(client.clientId, 'credentials')
    }),
    async (c, client, by) => {
      const { made, asked } = await inTransaction(deps.db, async (trx) => {
        const made = await rotateSecret(trx, deps, { act: by, clientId: client.clientId })
        if (made.outcome !== 'approval_needed') return { made, asked: null }
        const request = { kind: clientSecretKind, payload: made.request, subject: client.clientId, act: by }
        return { made, asked: await console.approvals.request(trx, request) }
      })
      if (made.outcome === 'approval_needed' && asked !== null) {
        const backHref = `/admin/approvals/${asked.id}`
        return asked.ok
          ? c.page('console/once', {
            title: c.t('console.clients.secret.made'),
            lead: c.t('console.clients.secret.waits'),
            label: client.clientId,
            value: made.secret,
            backHref
          })
          : c.redirect(backHref, 'change_waiting')
      }
      if (made.outcome !== 'created') {
        return c.redirect(
          buildPath(client.clientId, 'credentials'),
          made.outcome === 'too_many' ? 'client_two_secrets' : 'client_unchanged'
        )
      }
      return c.page('console/once', {
        title: c.t('console.clients.secret.made'),
        lead: c.t('console.clients.secret.once'),
        label: client.clientId,
        value: made.secret,
        backHref: buildPath(client.clientId, 'credentials')
      })
    }
  )

  act(
    '/admin/clients/:id/credentials/:secret/end',
    async (c, client) => {
      const secret = (await listSecrets(deps.db, client.clientId)).find(({ id }) => id === parameter(c, 'secret'))
      return secret === undefined
        ? null
        : {
            title: c.t('console.clients.secret.end'),
            lead: c.t('console.clients.secret.end.lead'),
            facts: [
              ...facts(c, client),
              { name: c.t('console.clients.secret'), value: `…${secret.hint}` },
              { name: c.t('console.clients.last_used'), value: secret.lastUsedOn ?? c.t('console.clients.never') }
            ],
            action: buildPath(client.clientId, `credentials/${secret.id}/end`),
            submit: c.t('console.clients.secret.end'),
            backHref: buildPath(client.clientId, 'credentials')
          }
    },
    async (c, client, by) => {
      await write(deps, endClientSecret, { act: by, clientId: client.clientId, secretId: parameter(c, 'secret') })
      return c.redirect(buildPath(client.clientId, 'credentials'), 'client_changed')
    }
  )

  console.page({
    method: 'POST',
    path: '/admin/clients/:id/logo',
    roles: writers,
    handler: async (c) => {
      const client = await changeable(c)
      const confirmed = c.confirmed()
      const file = (c.request.body as { logo?: unknown }).logo
      if (!confirmed.ok) {
        const problems = [c.t('console.clients.logo.reason')]
        return await tabPage(console, c, { client, tab: 'experience', rules, shown: { problems } })
      }
      const stored = await write(deps, storeLogo, {
        act: confirmed.act,
        clientId: client.clientId,
        file: Buffer.isBuffer(file) && file.length > 0 ? file : c.field('remove') === '' ? Buffer.alloc(0) : null
      })
      if (stored.outcome === 'not_a_picture') {
        return await tabPage(console, c, {
          client,
          tab: 'experience',
          rules,
          shown: {
            problems: [c.t(`console.clients.logo.${stored.fault}`)]
          }
        })
      }
      return c.redirect(buildPath(client.clientId, 'experience'), 'client_changed')
    }
  })
}
