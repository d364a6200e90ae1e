/** What staff do to one account, each act on a page with a reason; and unmasking. */
import { inTransaction } from '../../../database/transaction.ts'
import { write } from '../../../database/transaction.ts'
import type { Act } from '../../../domain/administration/administration.ts'
import { maskName } from '../../../domain/identity/masking.ts'
import type { FieldError } from '../../../http/pages.ts'
import {
  endAllSessions,
  endDevice,
  endSessionOf,
  grantReveal,
  lockPerson,
  openGrants,
  resetFaceTries,
  resetPasswordTries,
  reveal,
  revealFields,
  revealGranted,
  unlockPerson,
  type ActOutcome,
  type Revealed,
  type RevealField
} from '../../support/index.ts'
import { revokeCounterCode } from '../../../records/counter-codes/index.ts'
import { personById } from '../../../records/persons/index.ts'
import { revealNeedsTwo } from '../../../records/settings/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { AdminFramed } from '../layout.ts'
import { deskRoles, idOf, lookerOf } from './people.ts'

/** Posts `csrf`, `name`, `cert_no`, `phone` ('1' each), `reason`; or, what was granted, `grant`. */
export interface RevealPage extends AdminFramed {
  id: string
  name: string
  fields: readonly RevealField[]
  ticked: readonly RevealField[]
  reason: string
  fourEyes: boolean
  grants: Array<{ id: string; fields: RevealField[]; until: string }>
  errors: FieldError[]
}

export interface RevealedPage extends AdminFramed {
  id: string
  values: Array<{ field: RevealField; value: string | null }>
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/people/unmask': RevealPage
    'console/people/unmasked': RevealedPage
  }
}

/** `item`: the session, device or code that the act is about. */
type Work = (deps: Console['deps'], act: Act, personId: string, item: string) => Promise<ActOutcome>

const acts: Record<string, Work> = {
  lock: lockPerson,
  unlock: unlockPerson,
  'end-sessions': endAllSessions,
  'end-session': endSessionOf,
  'face-tries': resetFaceTries,
  'password-tries': resetPasswordTries,
  'end-device': endDevice,
  'cancel-code': async (deps, { actor, reason, address, traceId }, personId, codeId) =>
    (await write(deps, revokeCounterCode, { codeId, personId, actor, reason, address, traceId })) ? 'done' : 'unchanged'
}

const itemOf = ({ request }: ConsoleRequest): string => {
  const { item } = request.query as { item?: unknown }
  return typeof item === 'string' && /^[\w-]{1,64}$/.test(item) ? item : ''
}

export function registerPeopleActs (console: Console): void {
  const { deps, changes } = console
  const { db, crypto } = deps

  const confirmModel = async (c: ConsoleRequest, item: string) => {
    const person = await personById(db, crypto, idOf(c))
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
    roles: deskRoles,
    reauth: true,
    handler: async (c) => c.confirm(await confirmModel(c, itemOf(c)))
  })
  console.page({
    method: 'POST',
    path: '/admin/people/:id/act/:act',
    roles: deskRoles,
    reauth: true,
    handler: async (c) => {
      const model = await confirmModel(c, c.field('item'))
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      const { act } = c.request.params as { act: string }
      const outcome = await acts[act]?.(deps, confirmed.act, idOf(c), c.field('item'))
      return c.redirect(
        `/admin/people/${idOf(c)}`,
        outcome === 'done' ? `people_${act.replaceAll('-', '_')}` : 'people_unchanged'
      )
    }
  })

  changes.register<{ personId: string; fields: RevealField[] }>('people.reveal', {
    async describe (from, { personId, fields }, t) {
      const person = await personById(from, crypto, personId)
      return person === null
        ? null
        : {
            title: t('console.people.reveal'),
            facts: [
              { name: t('console.people.name'), value: maskName(person.name) },
              { name: 'ID', value: personId },
              {
                name: t('console.people.reveal.what'),
                value: fields.map((field) => t(`console.people.${field}`)).join(t('console.comma'))
              }
            ]
          }
    },
    async apply (trx, { personId, fields }, act, requestedBy) {
      await grantReveal(trx, { personId, fields, grantedTo: requestedBy, grantedBy: act.actor })
      return { ok: true }
    }
  })

  const showReveal = async (
    c: ConsoleRequest,
    more: Partial<Pick<RevealPage, 'ticked' | 'reason' | 'errors'>> = {}
  ) => {
    const person = await personById(db, crypto, idOf(c))
    if (person === null) return c.notFound()
    const grants = await openGrants(db, `admin:${c.administrator.id}`, { personId: person.id })
    return c.page(
      'console/people/unmask',
      {
        id: person.id,
        name: maskName(person.name),
        fields: revealFields,
        ticked: [],
        reason: '',
        fourEyes: await revealNeedsTwo(db),
        grants: grants.map(({ id, fields, expiresAt }) => ({ id, fields, until: expiresAt.toISOString() })),
        errors: [],
        ...more
      },
      { status: (more.errors?.length ?? 0) > 0 ? 422 : 200 }
    )
  }

  const showValues = (c: ConsoleRequest, revealed: Revealed) => {
    if (revealed.outcome !== 'shown') return null
    return c.page('console/people/unmasked', {
      id: idOf(c),
      values: revealFields.flatMap((field) =>
        field in revealed.values ? [{ field, value: revealed.values[field] ?? null }] : []
      )
    })
  }

  console.page({
    method: 'GET',
    path: '/admin/people/:id/reveal',
    roles: deskRoles,
    reauth: true,
    handler: async (c) => await showReveal(c)
  })
  console.page({
    method: 'POST',
    path: '/admin/people/:id/reveal',
    roles: deskRoles,
    reauth: true,
    handler: async (c) => {
      const grant = c.field('grant')
      if (grant !== '') {
        const shown = showValues(c, await revealGranted(deps, { ...lookerOf(c), reason: 'granted' }, idOf(c), grant))
        return shown ?? (await showReveal(c, { errors: [{ field: 'form', code: 'grant_gone' }] }))
      }
      const ticked = revealFields.filter((field) => c.field(field) === '1')
      const confirmed = c.confirmed()
      const errors: FieldError[] = [
        ...(ticked.length === 0 ? [{ field: 'name', code: 'pick_one' }] : []),
        ...(confirmed.ok ? [] : confirmed.errors)
      ]
      if (!confirmed.ok || errors.length > 0) {
        return await showReveal(c, { ticked, reason: c.field('reason').trim(), errors })
      }
      if ((await personById(db, crypto, idOf(c))) === null) return c.notFound()
      if (await revealNeedsTwo(db)) {
        const asked = await inTransaction(deps.db, async (trx) => await changes.request(trx, {
          kind: 'people.reveal',
          payload: { personId: idOf(c), fields: ticked },
          subject: idOf(c),
          act: confirmed.act
        }))
        return c.redirect(`/admin/approvals/${asked.id}`, asked.ok ? 'change_requested' : 'change_waiting')
      }
      return showValues(c, await reveal(deps, confirmed.act, idOf(c), ticked)) ?? c.notFound()
    }
  })
}
