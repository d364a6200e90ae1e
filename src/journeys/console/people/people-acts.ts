/** What staff do to one account, each act on a page with a reason; and unmasking. */
import { write } from '../../../database/transaction.ts'
import type { Act } from '../../../domain/administration/administration.ts'
import { maskName } from '../../../domain/identity/masking.ts'
import type { FieldError } from '../../../http/pages.ts'
import {
  endAllSessions,
  endDevice,
  endPersonSession,
  grantUnmasking,
  lockPerson,
  findUnmaskGrants,
  resetPersonFaceTries,
  resetPasswordTries,
  unmask,
  unmaskFields,
  unmaskGranted,
  unlockPerson,
  type ActOutcome,
  type Unmasked,
  type UnmaskField
} from '../../support/index.ts'
import { revokeCounterCode } from '../../../records/counter-codes/index.ts'
import { personById } from '../../../records/persons/index.ts'
import { readUnmaskingNeedsApproval } from '../../../records/settings/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'
import { supportRoles, readId, describeViewer } from './people.ts'

/** Posts `csrf`, `name`, `cert_no`, `phone` ('1' each), `reason`; or, what was granted, `grant`. */
export interface UnmaskPage extends WithConsoleLayout {
  id: string
  name: string
  fields: readonly UnmaskField[]
  ticked: readonly UnmaskField[]
  reason: string
  dualControl: boolean
  grants: Array<{ id: string; fields: UnmaskField[]; until: string }>
  errors: FieldError[]
}

export interface UnmaskedPage extends WithConsoleLayout {
  id: string
  values: Array<{ field: UnmaskField; value: string | null }>
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/people/unmask': UnmaskPage
    'console/people/unmasked': UnmaskedPage
  }
}

/** `item`: the session, device or code that the act is about. */
type Work = (deps: Console['deps'], act: Act, personId: string, item: string) => Promise<ActOutcome>

const acts: Record<string, Work> = {
  lock: lockPerson,
  unlock: unlockPerson,
  'end-sessions': endAllSessions,
  'end-session': endPersonSession,
  'face-tries': resetPersonFaceTries,
  'password-tries': resetPasswordTries,
  'end-device': endDevice,
  'cancel-code': async (deps, { actor, reason, address, traceId }, personId, codeId) =>
    (await write(deps, revokeCounterCode, { codeId, personId, actor, reason, address, traceId }))
      ? 'done'
      : 'unchanged'
}

const readItem = ({ request }: ConsoleRequest): string => {
  const { item } = request.query as { item?: unknown }
  return typeof item === 'string' && /^[\w-]{1,64}$/.test(item) ? item : ''
}

export function registerPeopleActs (console: Console): void {
  const { deps, approvals } = console
  const { db, crypto } = deps

  const confirmModel = async (c: ConsoleRequest, item: string) => {
    const person = await personById(db, crypto, readId(c))
    const { act } = c.request.params as { act?: string }
    if (person === null || act === undefined || !Object.hasOwn(acts, act)) return c.notFound()
    return {
      title: c.t.code([`console.people.act.${act}`], 'console.people.title'),
      lead: c.t.code([`console.people.act.${act}.lead`], 'console.people.title'),
      facts: [
        { name: c.t('console.people.name'), value: maskName(person.name) },
        { name: 'ID', value: person.id }
      ],
      hidden: item === '' ? [] : [{ name: 'item', value: item }],
      typed: null,
      action: `/admin/people/${person.id}/act/${act}`,
      submit: c.t.code([`console.people.act.${act}`], 'console.people.title'),
      backHref: `/admin/people/${person.id}`
    }
  }

  console.page({
    method: 'GET',
    path: '/admin/people/:id/act/:act',
    roles: supportRoles,
    reauth: true,
    handler: async (c) => c.confirm(await confirmModel(c, readItem(c)))
  })
  console.page({
    method: 'POST',
    path: '/admin/people/:id/act/:act',
    roles: supportRoles,
    reauth: true,
    handler: async (c) => {
      const model = await confirmModel(c, c.field('item'))
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      const { act } = c.request.params as { act: string }
      const outcome = await acts[act]?.(deps, confirmed.act, readId(c), c.field('item'))
      return c.redirect(
        `/admin/people/${readId(c)}`,
        outcome === 'done' ? `people_${act.replaceAll('-', '_')}` : 'people_unchanged'
      )
    }
  })

  approvals.register<{ personId: string; fields: UnmaskField[] }>('people.reveal', {
    async describe (from, { personId, fields }, t) {
      const person = await personById(from, crypto, personId)
      return person === null
        ? null
        : {
            title: t('console.people.unmask'),
            facts: [
              { name: t('console.people.name'), value: maskName(person.name) },
              { name: 'ID', value: personId },
              {
                name: t('console.people.unmask.what'),
                value: fields.map((field) => t(`console.people.${field}`)).join(t('console.comma'))
              }
            ]
          }
    },
    async apply (trx, { personId, fields }, { act, requestedBy }) {
      await grantUnmasking(trx, { personId, fields, grantedTo: requestedBy, grantedBy: act.actor })
      return { ok: true }
    }
  })

  const showUnmask = async (
    c: ConsoleRequest,
    more: Partial<Pick<UnmaskPage, 'ticked' | 'reason' | 'errors'>> = {}
  ) => {
    const person = await personById(db, crypto, readId(c))
    if (person === null) return c.notFound()
    const grants = await findUnmaskGrants(db, `admin:${c.administrator.id}`, { personId: person.id })
    return c.page(
      'console/people/unmask',
      {
        id: person.id,
        name: maskName(person.name),
        fields: unmaskFields,
        ticked: [],
        reason: '',
        dualControl: await readUnmaskingNeedsApproval(db),
        grants: grants.map(({ id, fields, expiresAt }) => ({ id, fields, until: expiresAt.toISOString() })),
        errors: [],
        ...more
      },
      { status: (more.errors?.length ?? 0) > 0 ? 422 : 200 }
    )
  }

  const showValues = (c: ConsoleRequest, unmasked: Unmasked) => {
    if (unmasked.outcome !== 'shown') return null
    return c.page('console/people/unmasked', {
      id: readId(c),
      values: unmaskFields.flatMap((field) =>
        field in unmasked.values ? [{ field, value: unmasked.values[field] ?? null }] : []
      )
    })
  }

  console.page({
    method: 'GET',
    path: '/admin/people/:id/reveal',
    roles: supportRoles,
    reauth: true,
    handler: async (c) => await showUnmask(c)
  })
  console.page({
    method: 'POST',
    path: '/admin/people/:id/reveal',
    roles: supportRoles,
    reauth: true,
    handler: async (c) => {
      const grant = c.field('grant')
      if (grant !== '') {
        const shown = showValues(
          c,
          await unmaskGranted(deps, {
            act: { ...describeViewer(c), reason: 'granted' },
            personId: readId(c),
            grantId: grant
          })
        )
        return shown ?? (await showUnmask(c, { errors: [{ field: 'form', code: 'grant_gone' }] }))
      }
      const ticked = unmaskFields.filter((field) => c.field(field) === '1')
      const confirmed = c.confirmed()
      const errors: FieldError[] = [
        ...(ticked.length === 0 ? [{ field: 'name', code: 'pick_one' }] : []),
        ...(confirmed.ok ? [] : confirmed.errors)
      ]
      if (!confirmed.ok || errors.length > 0) {
        return await showUnmask(c, { ticked, reason: c.field('reason').trim(), errors })
      }
      if ((await personById(db, crypto, readId(c))) === null) return c.notFound()
      if (await readUnmaskingNeedsApproval(db)) {
        return await c.askApproval({
          kind: 'people.reveal',
          payload: { personId: readId(c), fields: ticked },
          subject: readId(c),
          act: confirmed.act
        })
      }
      return (
        showValues(c, await unmask(deps, { act: confirmed.act, personId: readId(c), fields: ticked })) ?? c.notFound()
      )
    }
  })
}
