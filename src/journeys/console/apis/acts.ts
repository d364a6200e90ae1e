/** Disabling, enabling and deleting an API, each with its page before the act. */
import { write } from '../../../database/transaction.ts'
import { resourceServerStatuses, type ResourceServerRecord } from '../../../domain/resource-server/record.ts'
import {
  deleteResourceServer,
  listGrantedClients,
  setResourceServerStatus
} from '../../../records/resource-servers/index.ts'
import type { Console, ConsoleRequest, ConfirmModel } from '../console.ts'
import { loadApi, listPath, buildPath, writers } from './layout.ts'

export function registerApiActs (console: Console): void {
  const { deps } = console
  const { db } = deps
  const collectFacts = async (c: ConsoleRequest, api: ResourceServerRecord): Promise<ConfirmModel['facts']> => [
    { name: c.t('console.apis.name'), value: api.names['zh-CN'] },
    { name: c.t('console.apis.field.identifier'), value: api.identifier },
    {
      name: c.t('console.apis.clients'),
      value: (await listGrantedClients(db, api.identifier)).map(({ clientId }) => clientId).join('\n') || '—'
    }
  ]

  const statusModel = async (c: ConsoleRequest, api: ResourceServerRecord) => {
    const status = resourceServerStatuses.find((one) => one === (c.request.params as { status?: string }).status)
    if (status === undefined) return c.notFound()
    return {
      status,
      title: c.t(`console.apis.to.${status}`),
      lead: c.t(`console.apis.to.${status}.lead`),
      facts: await collectFacts(c, api),
      typed: null,
      action: buildPath(api.id, `status/${status}`),
      submit: c.t(`console.apis.to.${status}`),
      backHref: buildPath(api.id)
    }
  }
  console.page({
    method: 'GET',
    path: `${listPath}/:id/status/:status`,
    roles: writers,
    reauth: true,
    handler: async (c) => {
      const { status: _status, ...model } = await statusModel(c, await loadApi(c, console))
      return c.confirm(model)
    }
  })
  console.page({
    method: 'POST',
    path: `${listPath}/:id/status/:status`,
    roles: writers,
    reauth: true,
    handler: async (c) => {
      const api = await loadApi(c, console)
      const { status, ...model } = await statusModel(c, api)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      await write(deps, setResourceServerStatus, {
        act: confirmed.act,
        identifier: api.identifier,
        version: null,
        status
      })
      return c.redirect(buildPath(api.id), 'api_changed')
    }
  })

  const deleteModel = async (c: ConsoleRequest, api: ResourceServerRecord) => ({
    title: c.t('console.apis.delete'),
    lead: c.t('console.apis.delete.lead'),
    facts: await collectFacts(c, api),
    typed: null,
    action: buildPath(api.id, 'delete'),
    submit: c.t('console.apis.delete'),
    backHref: buildPath(api.id)
  })
  console.page({
    method: 'GET',
    path: `${listPath}/:id/delete`,
    roles: writers,
    reauth: true,
    handler: async (c) => c.confirm(await deleteModel(c, await loadApi(c, console)))
  })
  console.page({
    method: 'POST',
    path: `${listPath}/:id/delete`,
    roles: writers,
    reauth: true,
    handler: async (c) => {
      const api = await loadApi(c, console)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...(await deleteModel(c, api)), ...confirmed })
      const { act } = confirmed
      const deleted = await write(deps, deleteResourceServer, { act, identifier: api.identifier })
      return deleted.outcome === 'in_use'
        ? c.redirect(buildPath(api.id), 'api_in_use')
        : c.redirect(listPath, 'api_deleted')
    }
  })
}
