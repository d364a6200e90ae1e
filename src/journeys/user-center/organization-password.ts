/**
 * 单位密码: typed by the legal representative, and valid after she has scanned and passed the face check for exactly that.
 * Until then the hash is in her session; nobody else reads or uses it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import { maskUscc } from '../../domain/identity/masking.ts'
import type { FieldError, FormTarget } from '../../http/pages.ts'
import { SeeOther } from '../../http/see-other.ts'
import { hashNewPassword, passwordRules, readNewPassword } from '../new-password/index.ts'
import { setOrganizationPassword } from '../../records/organizations/index.ts'
import { circumstances, loadLegal, buildLayout, type Centre, type LegalMe, type WithUserCenterLayout } from './me.ts'
import { findDraft, keepDraft, takeDraft } from './password-drafts.ts'
import { registerTicketPage, type ToConfirm } from './ticket-page.ts'

/** 单位密码. Posts `csrf`, `new_password`, `again`. */
export interface OrganizationPasswordPage extends WithUserCenterLayout, FormTarget {
  rules: FieldError[]
  /** For password managers. */
  uscc: string
  /** ISO 8601. */
  changedAt: string | null
  /** Somebody who knows it is no longer an agent. */
  mustChange: boolean
  errors: FieldError[]
}

/** After the scan, and every reason for which it did not count. */
export interface PasswordChangedPage extends WithUserCenterLayout {
  outcome: 'changed' | 'gone' | 'not_legal_representative' | 'face_required'
}

declare module '../../http/pages.ts' {
  interface Pages {
    'user-center/organization-password': OrganizationPasswordPage
    'user-center/organization-password-result': PasswordChangedPage
  }
}

const path = '/me/organization-password'
const purpose = 'organization-password'

interface Confirmable extends ToConfirm {
  me: LegalMe
  draft: string
}

export function registerOrganizationPassword (app: FastifyInstance, centre: Centre): void {
  const { deps, tickets } = centre
  const { passwordProfile } = deps.config

  const load = async (request: FastifyRequest, reply: FastifyReply): Promise<LegalMe> =>
    await loadLegal(centre, request, { reply, act: purpose })

  app.get(path, async (request, reply) => await showForm(await load(request, reply), { errors: [], request, reply }))

  app.post(path, async (request, reply) => {
    const me = await load(request, reply)
    const { organization, person } = me
    const read = readNewPassword(passwordProfile, request.body, {
      identifiers: [
        organization.uscc,
        person.certNo,
        ...(person.phone === null ? [] : [person.phone.replace(/^\+86/, '')])
      ],
      name: person.name,
      otherNames: [organization.name, ...(person.nameBo === null ? [] : [person.nameBo])]
    })
    if (!read.ok) return await showForm(me, { errors: read.errors, request, reply })
    const passwordHash = await hashNewPassword(deps, read.value, path)
    await keepDraft(deps.db, { sessionHash: me.idHash, organizationId: organization.id, passwordHash })
    return await reply.redirect(`${path}/qr`, 303)
  })

  registerTicketPage<Confirmable>(app, centre, {
    pattern: `${path}/qr`,
    base: () => `${path}/qr`,
    purpose,
    async load (request, reply) {
      const me = await load(request, reply)
      const draft = await findDraft(deps.db, me.idHash, me.organization.id)
      if (draft === null) throw new SeeOther(path)
      const { id, name, uscc } = me.organization
      return {
        me,
        draft,
        subjectRef: `${purpose}:${id}:${draft}`,
        subject: { organization: `${name}（${maskUscc(uscc)}）` },
        subjectName: null,
        leaveHref: path
      }
    },
    async finish (ticket, { me, draft, subjectRef }, request, reply) {
      const { address, traceId } = circumstances(request)
      const outcome = await inTransaction(deps.db, async (trx) => {
        const given = await tickets.consume(trx, ticket, { browserHash: me.browserHash, purpose, subjectRef })
        if (given === null || given.personId !== me.person.id) return 'gone'
        const passwordHash = await takeDraft(trx, me.idHash, draft)
        if (passwordHash === null) return 'gone'
        const change = {
          organizationId: me.organization.id,
          passwordHash,
          personId: me.person.id,
          ticketId: ticket,
          proofs: given.proofs,
          address,
          traceId
        }
        const set = await setOrganizationPassword(trx, deps, change)
        return set.ok ? 'changed' : set.code
      })
      if (outcome === 'changed') return await reply.redirect(`${path}/changed`, 303)
      return await showOutcome(me, { outcome, request, reply })
    }
  })

  // the address says nothing by itself: the answer is what has been true since the last change
  app.get(`${path}/changed`, async (request, reply) => {
    const me = await load(request, reply)
    const { passwordMustChange } = await loadState(me)
    return passwordMustChange
      ? await reply.redirect(path, 303)
      : await showOutcome(me, { outcome: 'changed', request, reply })
  })

  const loadState = async ({
    organization
  }: LegalMe): Promise<{ passwordChangedAt: Date | null; passwordMustChange: boolean }> =>
    await deps.db
      .selectFrom('organization')
      .select(['passwordChangedAt', 'passwordMustChange'])
      .where('id', '=', organization.id)
      .executeTakeFirstOrThrow()

  async function showForm (
    me: LegalMe,
    { errors, request, reply }: { errors: FieldError[]; request: FastifyRequest; reply: FastifyReply }
  ): Promise<FastifyReply> {
    const { passwordChangedAt, passwordMustChange } = await loadState(me)
    return reply.page(
      'user-center/organization-password',
      {
        shell: await buildLayout(centre, request, { me, current: 'organization-password' }),
        action: path,
        csrf: request.csrfToken(centre.csrfScope(me.idHash)),
        rules: passwordRules(passwordProfile),
        uscc: me.organization.uscc,
        changedAt: passwordChangedAt?.toISOString() ?? null,
        mustChange: passwordMustChange,
        errors
      },
      { status: errors.length > 0 ? 422 : 200 }
    )
  }

  async function showOutcome (
    me: LegalMe,
    {
      outcome,
      request,
      reply
    }: { outcome: PasswordChangedPage['outcome']; request: FastifyRequest; reply: FastifyReply }
  ): Promise<FastifyReply> {
    return reply.page(
      'user-center/organization-password-result',
      { shell: await buildLayout(centre, request, { me, current: 'organization-password' }), outcome },
      { status: outcome === 'changed' ? 200 : 409 }
    )
  }
}
