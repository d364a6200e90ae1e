/**
 * Which step of a hosted login comes next. `nextStep` decides from facts that are read at every request (what is
 * required, minus the proofs given). No step knows another, and finishing calls the same function.
 */
import { acrOfLevel, type Level } from '../identity/assurance.ts'
import type { DenialCode } from '../representation/authorization.ts'
import type { UnmetCode } from '../representation/option.ts'
import type { Representation } from '../representation/representation.ts'
import { meetsLevel } from './requested-level.ts'

/** One proof that was given in this attempt. Times are epoch seconds. */
export type Proof =
  | { kind: 'password'; personId: string; at: number }
  | { kind: 'scan'; personId: string; deviceId: string | null; deviceKey: boolean; at: number; ticketId: string }
  | { kind: 'identity'; personId: string; at: number; ticketId: string | null }
  | { kind: 'face'; personId: string; at: number; checkId: string }
  | { kind: 'counter'; personId: string; at: number; codeId: string }
  | { kind: 'consent'; at: number; scopes: string[] }
  /** An organization's code and password: identifies the organization, never the person. */
  | { kind: 'organization'; organizationId: string; role: 'legal_representative' | 'agent'; at: number }

/** Level of a login that is confined to an organization. */
const confinedLevel: Level = 1

export type ProofKind = Proof['kind']

/** When a face check (or its equal alternative) is required without the relying site asking. */
export type FacePolicy = 'first-login' | 'always' | 'on-request'

/** The person, and the proofs given. */
export interface IdentityFacts {
  facePolicy: FacePolicy
  /** The level that client and request ask for together (the higher one). */
  requestedLevel: Level
  /** The identified person, as stored now; null when there is none. */
  person: { id: string; enabled: boolean; assuranceLevel: Level; faceVerified: boolean } | null
  /** The single sign-on session of this browser that may be used; null when there is none or it must not be used. */
  session: { personId: string; level: Level; amr: string[]; authTime: number } | null
  proofs: Proof[]
  /**
   * This browser stands for that person at this organization (binding of 30 days, made by a scan and a face check
   * here). With the organization's password it opens a login that is confined to the organization.
   */
  trustedBrowser?: boolean
  /** False: the deployment asks for the person behind an organization's password each time. */
  confinedAllowed?: boolean
  /** The organization's tab or the person has chosen in whose name this login is. */
  representationChosen: boolean
}

/** In whose name the login continues. */
export type RepresentationState =
  | { state: 'resolved'; representation: Representation }
  /** The person chooses; for an organization whose agent is not known yet, the agent is identified. */
  | { state: 'choose' }
  /** The organization's password was right, but the person may not act for it now. */
  | { state: 'denied'; code: DenialCode }
  /** The site requests an organization, functions or a capacity (RFC 9396) that the person does not have. */
  | { state: 'unmet'; code: UnmetCode }

export interface LoginFacts extends IdentityFacts {
  representation: RepresentationState
  /** The person has never decided about something that the site requests, or the site wants a new decision. */
  consentDue: boolean
}

export type Step =
  | { step: 'login' }
  /** The organization is known, and several agents act for it: which one? */
  | { step: 'agent' }
  | { step: 'representation' }
  | { step: 'not-authorized'; code: DenialCode }
  | { step: 'unmet-request'; code: UnmetCode }
  /** Scan (or same phone) with what the phone is then asked for; or an in-person code. */
  | { step: 'verify'; identity: boolean; face: boolean }
  | { step: 'consent' }
  | { step: 'refused'; code: 'person_disabled' | 'level_unreachable' }
  | { step: 'finish'; outcome: LoginOutcome; representation: Representation }

/** What is missing until the person is proved with the requested level. */
export type AuthenticationStep = Extract<Step, { step: 'login' | 'agent' | 'verify' | 'refused' }>

export interface LoginOutcome {
  personId: string
  level: Level
  acr: string
  amr: string[]
  /** Epoch seconds of the latest real act of authentication. */
  authTime: number
  /** It is for one organization and says nothing about the person. */
  confined: boolean
}

type Found<K extends ProofKind> = Extract<Proof, { kind: K }>

/** The latest proof of a kind that this person has given. */
function findProof<K extends ProofKind> (proofs: Proof[], kind: K, personId: string): Found<K> | undefined {
  const [latest] = proofs
    .filter(
      (proof): proof is Found<K> => proof.kind === kind && (!('personId' in proof) || proof.personId === personId)
    )
    .sort((one, other) => other.at - one.at)
  return latest
}

/** The latest scan by a bound device's key; a phone's browser proves nothing by itself. */
const findDeviceScan = (proofs: Proof[], personId: string): Found<'scan'> | undefined =>
  findProof(proofs.filter((proof) => proof.kind === 'scan' && proof.deviceKey), 'scan', personId)

/** A face check or its equal alternative in this attempt. */
const showedPresence = (personId: string, proofs: Proof[]): boolean =>
  findProof(proofs, 'face', personId) !== undefined || findProof(proofs, 'counter', personId) !== undefined

/** The organization that was identified by its code and password. */
export const organizationProof = (proofs: Proof[]): Found<'organization'> | undefined =>
  proofs.find((proof) => proof.kind === 'organization')

type Evidence = Pick<IdentityFacts, 'person' | 'session' | 'proofs'>

/** Whether the person of this attempt is proved. */
export function isEstablished ({ person, session, proofs }: Evidence): boolean {
  if (person === null) return false
  if (session?.personId === person.id) return true
  const shown = showedPresence(person.id, proofs)
  // a face alone is never a login (ASVS 6.5.7): a password, a bound device's key or a session comes first
  if (
    findProof(proofs, 'password', person.id) !== undefined ||
    findDeviceScan(proofs, person.id) !== undefined ||
    (findProof(proofs, 'scan', person.id) !== undefined && shown)
  ) {
    return true
  }
  return organizationProof(proofs) !== undefined && shown
}

/**
 * Only the organization's password was given, in a browser that stands for the person. The login is confined to that
 * organization and role, at level 1, and says nothing about the person.
 */
const isConfined = (facts: Evidence & Pick<IdentityFacts, 'trustedBrowser' | 'confinedAllowed'>): boolean =>
  facts.person !== null &&
  facts.confinedAllowed !== false &&
  organizationProof(facts.proofs) !== undefined &&
  facts.trustedBrowser === true &&
  !isEstablished(facts)

/** Whether the person was proved for an organization, and this browser may stand for them next time. */
export const earnsTrust = (personId: string, representation: Representation, proofs: Proof[]): boolean =>
  representation.role !== 'self' && showedPresence(personId, proofs)

/**
 * To act for an organization needs, once in this browser, the scan and face check that the organization's tab requires;
 * an agent needs them for the first act anywhere. A personal password alone makes nobody a representative.
 */
function missingRepresentationProof (
  facts: Pick<LoginFacts, 'person' | 'session' | 'proofs' | 'trustedBrowser' | 'representation'>
): boolean {
  const { person, session, proofs, trustedBrowser, representation } = facts
  if (person === null || representation.state !== 'resolved' || representation.representation.role === 'self') {
    return false
  }
  if (trustedBrowser === true || showedPresence(person.id, proofs)) return false
  const { role } = representation.representation
  return !(role === 'legal_representative' && session?.personId === person.id && session.level >= 3)
}

const needsIdentity = ({ assuranceLevel, faceVerified }: NonNullable<IdentityFacts['person']>): boolean =>
  assuranceLevel < 2 || !faceVerified

/**
 * Null: the person is proved. A face check is required when the person never had one (policy `first-login`), at each
 * login (`always`), or when the requested level is 3 or more. An in-person code replaces the face check at equal rank
 * (人脸识别技术应用安全管理办法: a face must not be the only way).
 */
export function missingAuthentication (facts: IdentityFacts): AuthenticationStep | null {
  const { person, session, proofs } = facts
  const organization = organizationProof(proofs)
  if (person === null) return { step: organization === undefined ? 'login' : 'agent' }
  if (!person.enabled) return { step: 'refused', code: 'person_disabled' }
  const identity = needsIdentity(person)
  const faceRequired =
    facts.requestedLevel >= 3 ||
    facts.facePolicy === 'always' ||
    (facts.facePolicy === 'first-login' && !person.faceVerified)
  if (isConfined(facts) && facts.requestedLevel <= confinedLevel && !faceRequired) return null
  // many know an organization's password, so the person must be proved, or this browser stands for them
  if (!isEstablished(facts)) {
    return organization === undefined ? { step: 'login' } : { step: 'verify', identity, face: true }
  }
  const strong =
    showedPresence(person.id, proofs) ||
    (session !== null && session.personId === person.id && session.level >= 3)
  return faceRequired && !strong ? { step: 'verify', identity, face: true } : null
}

/** Whether the representation decides the next step. If not, it need not be looked up. */
export function asksRepresentation (facts: IdentityFacts): boolean {
  const missing = missingAuthentication(facts)
  if (missing === null || missing.step === 'agent') return true
  // a person with a session chooses first; a person who is not proved yet sees no names of organizations
  return missing.step === 'verify' && (facts.session !== null || facts.representationChosen)
}

/** Whether the consent decides the next step. If not, it need not be looked up. */
export const asksConsent = (facts: Omit<LoginFacts, 'consentDue'>): boolean =>
  nextStep({ ...facts, consentDue: true }).step === 'consent'

/** First the person, then the representation, then the level, then the consent. */
export function nextStep (facts: LoginFacts): Step {
  const { person, representation } = facts
  const missing = missingAuthentication(facts)
  if (asksRepresentation(facts)) {
    switch (representation.state) {
      case 'denied':
        return { step: 'not-authorized', code: representation.code }
      case 'unmet':
        return { step: 'unmet-request', code: representation.code }
      case 'choose':
        return { step: person === null ? 'agent' : 'representation' }
    }
  }
  if (missing !== null) return missing
  if (missingRepresentationProof(facts)) {
    return { step: 'verify', identity: person !== null && needsIdentity(person), face: true }
  }
  // nothing is missing, so the person is known and the representation was looked up
  if (person === null || representation.state !== 'resolved') throw new Error('an incomplete login cannot finish')
  const outcome = loginOutcome(person.id, facts)
  // level 4 needs more than this deployment can do online
  if (!meetsLevel(outcome.level, facts.requestedLevel)) return { step: 'refused', code: 'level_unreachable' }
  if (facts.consentDue) return { step: 'consent' }
  return { step: 'finish', outcome, representation: representation.representation }
}

/** What really happened, as acr and amr (RFC 8176); never more than was proved. */
export function loginOutcome (
  personId: string,
  facts: Pick<IdentityFacts, 'person' | 'session' | 'proofs' | 'trustedBrowser' | 'confinedAllowed'>
): LoginOutcome {
  const { proofs, session, person } = facts
  const usable = session !== null && session.personId === personId ? session : null
  const amr = new Set<string>(usable?.amr ?? [])
  const times: number[] = usable ? [usable.authTime] : []
  const password = findProof(proofs, 'password', personId)
  const scan = findDeviceScan(proofs, personId)
  const face = findProof(proofs, 'face', personId)
  const counter = findProof(proofs, 'counter', personId)
  const organization = organizationProof(proofs)
  if (password) {
    amr.add('pwd')
    times.push(password.at)
  }
  // the organization's is a password too; beside a session it says nothing more about the person
  if (organization && !usable) {
    amr.add('pwd')
    times.push(organization.at)
  }
  if (scan) {
    amr.add('swk')
    times.push(scan.at)
  }
  if (face) {
    amr.add('face')
    times.push(face.at)
  }
  if (counter) {
    amr.add('user')
    times.push(counter.at)
  }
  amr.delete('mfa')
  const kinds = [amr.has('pwd'), amr.has('swk'), amr.has('face') || amr.has('user')].filter(Boolean).length
  if (kinds >= 2) amr.add('mfa')
  if (isConfined(facts)) {
    const { at = 0 } = organization ?? {}
    const acr = acrOfLevel(confinedLevel)
    return { personId, level: confinedLevel, acr, amr: ['pwd'], authTime: at, confined: true }
  }
  let level: Level = person !== null && person.assuranceLevel >= 2 ? 2 : 1
  if (face || counter || (usable !== null && usable.level >= 3)) level = 3
  return { personId, level, acr: acrOfLevel(level), amr: [...amr], authTime: Math.max(0, ...times), confined: false }
}
