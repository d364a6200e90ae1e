/** What every page of the user center starts from: the person and the representation, as the database has them now. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { inTransaction } from '../../database/transaction.ts'
import type { Representation } from '../../domain/representation/representation.ts'
import { self } from '../../domain/representation/representation.ts'
import { maskName, maskUscc } from '../../domain/identity/masking.ts'
import { PageError } from '../../http/page-error.ts'
import { SeeOther } from '../../http/see-other.ts'
import type { UserCenterDeps } from './deps.ts'
import type { Actor, Delegations, Representations } from '../../records/organizations/index.ts'
import type { Messages } from '../../records/messages/index.ts'
import type { StoredPerson } from '../../records/persons/index.ts'
import type { BrowserSide } from '../../records/scan-tickets/index.ts'
import type { RelyingParty } from '../own-site/index.ts'
import type { SessionOwner } from './site.ts'

export type Section = 'home' | 'agents' | 'mine' | 'messages' | 'browsers' | 'organization-password'

/** The layout of every page: the person, the representation, and the navigation. */
export interface UserCenterLayout {
  current: Section | null
  who: string
  level: number
  /** Null = in their own name. */
  acting: { role: 'legal_representative' | 'agent'; name: string; uscc: string; until: string | null } | null
  unread: number
  csrf: string
}

export interface WithUserCenterLayout {
  shell: UserCenterLayout
}

/** 403 with words. */
export interface NotAllowedPage extends WithUserCenterLayout {
  reason: RefusalReason
}

declare module '../../http/pages.ts' {
  interface Pages {
    'user-center/not-allowed': NotAllowedPage
  }
}

/** The parts that the pages work with. */
export interface Parts {
  tickets: BrowserSide
  delegations: Delegations
  representations: Representations
  messages: Messages
}

export interface Centre extends Parts {
  deps: UserCenterDeps
  relyingParty: RelyingParty<SessionOwner>
  csrfScope(idHash: string): string
}

export interface Me {
  idHash: string
  browserHash: string
  person: StoredPerson
  representation: Representation
}

/**
 * The legal representative of an organization, as of this request: an active one, or one that waits for her decision.
 */
export interface LegalMe extends Me {
  organization: { id: string; uscc: string; name: string }
}

export type RefusalReason = 'representation_ended' | 'not_legal_representative'

/** Answered with a page that says why, and how to change the representation. */
export class NotAllowed extends Error {
  readonly reason: RefusalReason
  readonly me: Me
  constructor (reason: RefusalReason, me: Me) {
    super(reason)
    this.name = 'NotAllowed'
    this.reason = reason
    this.me = me
  }
}

/** The form ended with its session: back to its list. */
const readPagePath = (request: FastifyRequest): string => {
  const path = request.url.split('?', 1)[0] ?? '/me'
  return request.method === 'GET'
    ? path
    : (/^\/me\/(agents|messages|mine|browsers|organization-password)/.exec(path)?.[0] ?? '/me')
}

/** @throws SeeOther to a login that leads back, NotAllowed */
export async function loadMe (centre: Centre, request: FastifyRequest, reply: FastifyReply): Promise<Me> {
  reply.header('cache-control', 'no-store')
  const owner = await centre.relyingParty.findSubject(request)
  if (owner === null) throw new SeeOther(`/me/login?to=${encodeURIComponent(readPagePath(request))}`)
  const { idHash, browserHash, person, ref } = owner
  const representation = ref === null ? null : await centre.representations.resolve(person.id, ref)
  const me = { idHash, browserHash, person }
  if (representation === null) throw new NotAllowed('representation_ended', { ...me, representation: self })
  return { ...me, representation }
}

/** As loadMe, with the form's token. */
export async function loadPosted (centre: Centre, request: FastifyRequest, reply: FastifyReply): Promise<Me> {
  const me = await loadMe(centre, request, reply)
  request.requireCsrf(centre.csrfScope(me.idHash))
  return me
}

/** Only for the present legal representative, independent of forms, addresses and the login. */
export async function loadLegal (
  centre: Centre,
  request: FastifyRequest,
  { reply, act = 'agents' }: { reply: FastifyReply; act?: 'agents' | 'organization-password' | undefined }
): Promise<LegalMe> {
  const me = request.method === 'GET' ? await loadMe(centre, request, reply) : await loadPosted(centre, request, reply)
  const { representation } = me
  if (representation.role !== 'legal_representative') {
    await recordDenied(centre, request, { me, act })
    throw new NotAllowed('not_legal_representative', me)
  }
  const { id, uscc, name } = representation.organization
  return { ...me, organization: { id, uscc, name } }
}

/** A person tried what is not theirs. The answer is 404, the same as for what does not exist. */
export async function notTheirs (
  centre: Centre,
  request: FastifyRequest,
  { me, delegationId }: { me: Me; delegationId: string }
): Promise<PageError> {
  await recordDenied(centre, request, { me, act: 'other-organization', delegationId })
  return new PageError(404, 'not_found', { restartHref: '/me' })
}

async function recordDenied (
  { deps }: Centre,
  request: FastifyRequest,
  { me, act, delegationId = null }: { me: Me; act: string; delegationId?: string | null }
): Promise<void> {
  const { person, representation } = me
  await inTransaction(deps.db, async (trx) => {
    await deps.audit.record(trx, {
      type: act === 'organization-password' ? 'organization.password-changed' : 'delegation.refused',
      outcome: 'denied',
      personId: person.id,
      organizationId: representation.role === 'self' ? null : representation.organization.id,
      delegationId,
      role: representation.role,
      ...circumstances(request),
      reason: act === 'other-organization' ? 'not_found' : 'not_legal_representative',
      details: { act }
    })
  })
}

export const circumstances = (request: FastifyRequest): { address: string; traceId: string } => ({
  address: request.clientAddress.ip,
  traceId: String(request.id)
})

export const describeActor = (request: FastifyRequest, me: Me): Actor => ({
  personId: me.person.id,
  ...circumstances(request)
})

export async function buildLayout (
  centre: Centre,
  request: FastifyRequest,
  { me, current }: { me: Me; current: Section | null }
): Promise<UserCenterLayout> {
  const { person, representation } = me
  return {
    current,
    who: maskName(person.name),
    level: person.assuranceLevel,
    acting:
      representation.role === 'self'
        ? null
        : {
            role: representation.role,
            name: representation.organization.name,
            uscc: maskUscc(representation.organization.uscc),
            until: representation.role === 'agent' ? representation.delegation.validTo : null
          },
    unread: await centre.messages.unread(person.id),
    csrf: request.csrfToken(centre.csrfScope(me.idHash))
  }
}
