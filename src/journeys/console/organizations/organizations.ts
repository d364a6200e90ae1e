/**
 * 单位与代理: organizations, their representatives and delegations, and what staff may do: suspend and revoke, never give.
 */
import type { FieldError } from '../../../http/pages.ts'
import { maskUscc } from '../../../domain/identity/masking.ts'
import { PageError } from '../../../http/page-error.ts'
import {
  actOnDelegation,
  delegationActs,
  listOrganizations,
  organizationDetail,
  recheck,
  release,
  suspend,
  type Recheck
} from '../../support/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import { buildPage, readList, type Pager } from '../lists.ts'
import { supportRoles as roles, readId } from '../people/people.ts'
import type { WithConsoleLayout } from '../layout.ts'

const statuses = ['active', 'pending', 'suspended', 'dissolved'] as const

interface Row {
  id: string
  uscc: string
  name: string
  status: string
  agents: number
  createdAt: string
}

/** The search posts `csrf`, `text`: the code of a one-person business identifies that person. */
export interface OrganizationsPage extends WithConsoleLayout {
  rows: Row[]
  pager: Pager | null
  filters: { status: string; register: string }
  statuses: readonly string[]
  errors: FieldError[]
}

export interface OrganizationPage extends WithConsoleLayout {
  o: {
    id: string
    uscc: string
    name: string
    status: string
    held: boolean
    createdAt: string
    checkedAt: string | null
    version: number
    /** What the register said and nobody could read: codes. */
    faults: string[]
    passwordMustChange: boolean
  }
  legalRepresentative: { id: string; name: string; certNo: string; since: string | null } | null
  delegations: Array<{
    id: string
    version: number
    agentId: string
    agent: string
    certNo: string
    state: string
    validFrom: string
    validTo: string
    acts: string[]
  }>
}

export interface CheckPage extends WithConsoleLayout {
  id: string
  name: string
  result: Recheck | null
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/organizations/organizations': OrganizationsPage
    'console/organizations/organization': OrganizationPage
    'console/organizations/check': CheckPage
  }
}

const acts = { suspend, release } as const

export function registerOrganizations (console: Console): void {
  const { deps } = console

  console.page({
    method: 'GET',
    path: '/admin/organizations',
    roles,
    handler: async (c) => {
      const list = readList(c.request, ['status', 'register'], 1)
      const found = await listOrganizations(deps, {
        status: statuses.find((one) => one === list.filters.status),
        unreadable: list.filters.register === 'unreadable',
        after: list.after?.[0],
        limit: list.limit
      })
      const { rows, pager } = buildPage(list, found, ({ id }) => [id])
      if (list.csv) {
        return c.csv(
          'organizations.csv',
          ['id', 'uscc', 'name', 'status', 'agents', 'created_at'],
          rows.map((row) => [
            row.id,
            maskUscc(row.uscc),
            row.name,
            row.status,
            row.agents,
            row.createdAt.toISOString()
          ])
        )
      }
      return c.page('console/organizations/organizations', {
        rows: rows.map(toRow),
        pager,
        filters: list.filters,
        statuses,
        errors: []
      })
    }
  })
  console.page({
    method: 'GET',
    path: '/admin/organizations/search',
    roles,
    handler: (c) => c.redirect('/admin/organizations')
  })
  console.page({
    method: 'POST',
    path: '/admin/organizations/search',
    roles,
    handler: async (c) => {
      const text = c.field('text').trim()
      const found = text === '' ? [] : await listOrganizations(deps, { text })
      const [only] = found
      if (found.length === 1 && only !== undefined) return c.redirect(`/admin/organizations/${only.id}`)
      const errors = text === '' ? [{ field: 'text', code: 'required' }] : []
      return c.page(
        'console/organizations/organizations',
        { rows: found.map(toRow), pager: null, filters: { status: '', register: '' }, statuses, errors },
        { status: errors.length > 0 ? 422 : 200 }
      )
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/organizations/:id',
    roles,
    handler: async (c) => {
      const detail = await organizationDetail(deps, readId(c))
      if (detail === null) return c.notFound()
      const { legalRepresentative, delegations, register } = detail
      return c.page('console/organizations/organization', {
        o: {
          id: detail.id,
          uscc: maskUscc(detail.uscc),
          name: detail.name,
          status: detail.status,
          held: detail.held,
          createdAt: detail.createdAt.toISOString(),
          checkedAt: register.checkedAt?.toISOString() ?? null,
          version: register.version,
          faults: register.faults,
          passwordMustChange: detail.passwordMustChange
        },
        legalRepresentative:
          legalRepresentative === null
            ? null
            : { ...legalRepresentative, since: legalRepresentative.since?.toISOString() ?? null },
        delegations: delegations.map(({ id, version, agentId, agent, state, validFrom, validTo }) => ({
          id,
          version,
          agentId,
          agent: agent.maskedName,
          certNo: agent.maskedCertNo,
          state,
          validFrom,
          validTo,
          acts:
            state === 'active' ? [...delegationActs] : state === 'suspended' || state === 'submitted' ? ['revoke'] : []
        }))
      })
    }
  })

  const confirmModel = async (c: ConsoleRequest) => {
    const detail = await organizationDetail(deps, readId(c))
    const { act } = c.request.params as { act?: string }
    if (detail === null || (act !== 'suspend' && act !== 'release' && act !== 'recheck')) return c.notFound()
    return {
      title: c.t(`console.organizations.act.${act}`),
      lead: c.t(`console.organizations.act.${act}.lead`),
      facts: [
        { name: c.t('console.organizations.name'), value: detail.name },
        { name: c.t('console.organizations.uscc'), value: maskUscc(detail.uscc) }
      ],
      typed: act === 'suspend' ? detail.name : null,
      action: `/admin/organizations/${detail.id}/act/${act}`,
      submit: c.t(`console.organizations.act.${act}`),
      backHref: `/admin/organizations/${detail.id}`
    }
  }
  console.page({
    method: 'GET',
    path: '/admin/organizations/:id/act/:act',
    roles,
    reauth: true,
    handler: async (c) => c.confirm(await confirmModel(c))
  })
  console.page({
    method: 'POST',
    path: '/admin/organizations/:id/act/:act',
    roles,
    reauth: true,
    handler: async (c) => {
      const model = await confirmModel(c)
      const confirmed = c.confirmed(model.typed)
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      const { act } = c.request.params as { act: 'suspend' | 'release' | 'recheck' }
      if (act === 'recheck') {
        const answer = await recheck(deps, confirmed.act, readId(c))
        return c.page('console/organizations/check', {
          id: readId(c),
          name: model.facts[0]?.value ?? '',
          result: answer.outcome === 'checked' ? answer.result : null
        })
      }
      const outcome = await acts[act](deps, confirmed.act, readId(c))
      return c.redirect(
        model.backHref,
        outcome === 'done'
          ? `orgs_${act}`
          : outcome === 'register_unavailable'
            ? 'orgs_register_unavailable'
            : 'people_unchanged'
      )
    }
  })

  const delegationModel = async (c: ConsoleRequest) => {
    const { delegation, act } = c.request.params as { delegation?: string; act?: string }
    const detail = await organizationDetail(deps, readId(c))
    const row = detail?.delegations.find(({ id }) => id === delegation)
    if (detail === null || row === undefined || act === undefined) return c.notFound()
    return {
      title: c.t.code([`console.organizations.delegation.${act}`], 'console.organizations.delegation.refused'),
      lead: c.t.code([`console.organizations.delegation.${act}.lead`], 'console.organizations.delegation.refused'),
      facts: [
        { name: c.t('console.organizations.name'), value: detail.name },
        { name: c.t('console.organizations.agent'), value: row.agent.maskedName },
        { name: c.t('console.organizations.until'), value: row.validTo }
      ],
      typed: null,
      action: `/admin/organizations/${detail.id}/delegations/${row.id}/${act}`,
      submit: c.t.code([`console.organizations.delegation.${act}`], 'console.organizations.delegation.refused'),
      backHref: `/admin/organizations/${detail.id}`
    }
  }
  console.page({
    method: 'GET',
    path: '/admin/organizations/:id/delegations/:delegation/:act',
    roles,
    reauth: true,
    handler: async (c) => {
      const { act } = c.request.params as { act?: string }
      return delegationActs.some((one) => one === act) ? c.confirm(await delegationModel(c)) : c.notFound()
    }
  })
  console.page({
    method: 'POST',
    path: '/admin/organizations/:id/delegations/:delegation/:act',
    roles,
    reauth: true,
    handler: async (c) => {
      const model = await delegationModel(c)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      const { act } = c.request.params as { act: string }
      const outcome = await actOnDelegation(deps, { act: confirmed.act, id: readId(c, 'delegation'), what: act })
      // only the legal representative may give one: the attempt is audited
      if (outcome === 'refused') throw new PageError(403, 'forbidden', { restartHref: model.backHref })
      return c.redirect(model.backHref, outcome === 'done' ? `delegation_${act}` : 'people_unchanged')
    }
  })
}

const toRow = ({ id, uscc, name, status, agents, createdAt }: Omit<Row, 'createdAt'> & { createdAt: Date }): Row => ({
  id,
  uscc: maskUscc(uscc),
  name,
  status,
  agents,
  createdAt: createdAt.toISOString()
})
