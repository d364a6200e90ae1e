/**
 * What one run through the hosted login needs and has: the pure heart of the dispatcher.
 *
 * `nextStep` is computed afresh from facts at every request (required steps − proofs given);
 * no step knows any other step, and finishing asks the same function again.
 */
import { acrOfLevel, levelOfAcr, type Level } from '../identity/assurance.ts'

/** One thing that was really shown to be true in this attempt. Times are epoch seconds. */
export type Proof =
  | { kind: 'password'; personId: string; at: number }
  | { kind: 'scan'; personId: string; deviceId: string | null; deviceKey: boolean; at: number; ticketId: string }
  | { kind: 'identity'; personId: string; at: number; ticketId: string | null }
  | { kind: 'face'; personId: string; at: number; checkId: string }
  | { kind: 'counter'; personId: string; at: number; codeId: string }
  | { kind: 'consent'; at: number; scopes: string[] }
  /** An organization's code and password: says for which organization, never who is there. */
  | { kind: 'organization'; organizationId: string; role: 'legal_representative' | 'agent'; at: number }

export type ProofKind = Proof['kind']

/** When a face check (or its equal alternative) is required without the relying site asking. */
export type FacePolicy = 'first-login' | 'always' | 'on-request'

export interface AttemptFacts {
  facePolicy: FacePolicy
  /** The level that client and request ask for together (the higher one). */
  requestedLevel: Level
  /** The person established so far, as stored now; null when nobody is. */
  person: { id: string; enabled: boolean; assuranceLevel: Level; faceVerified: boolean } | null
  /**
   * The single sign-on session of this browser that may be built on; null when there is none or it must not be used.
   */
  session: { personId: string; level: Level; amr: string[]; authTime: number } | null
  proofs: Proof[]
  /** This browser stands for that person behind this organization's password (binding of 30 days). */
  trustedBrowser?: boolean
}

/** The steps of the hosted login. `verify` is scan (or same phone) with whatever the phone is then asked for. */
export type Step =
  | { step: 'login' }
  /** The organization is known, and several agents act for it: which one? */
  | { step: 'agent' }
  | { step: 'verify'; identity: boolean; face: boolean }
  | { step: 'refused'; code: 'person_disabled' }
  | { step: 'finish'; outcome: LoginOutcome }

export interface LoginOutcome {
  personId: string
  level: Level
  acr: string
  amr: string[]
  /** Epoch seconds of the latest real act of authentication. */
  authTime: number
}

const has = <K extends ProofKind>(
  proofs: Proof[],
  kind: K,
  personId: string
): Extract<Proof, { kind: K }> | undefined =>
    proofs.find(
      (proof): proof is Extract<Proof, { kind: K }> =>
        proof.kind === kind && (!('personId' in proof) || proof.personId === personId)
    )

/** The organization that was identified by its code and password. */
export const organizationProof = (proofs: Proof[]): Extract<Proof, { kind: 'organization' }> | undefined =>
  proofs.find((proof) => proof.kind === 'organization')

/** Has somebody shown to be the person that this attempt is about? */
export function isEstablished ({ person, session, proofs, trustedBrowser }: AttemptFacts): boolean {
  if (person === null) return false
  if (session?.personId === person.id) return true
  const scan = has(proofs, 'scan', person.id)
  const shown = has(proofs, 'face', person.id) ?? has(proofs, 'counter', person.id)
  // a face alone is never a login (ASVS 6.5.7): a password, a bound device's key or a session comes first
  if (
    has(proofs, 'password', person.id) !== undefined ||
    scan?.deviceKey === true ||
    (scan !== undefined && shown !== undefined)
  ) {
    return true
  }
  return organizationProof(proofs) !== undefined && (trustedBrowser === true || shown !== undefined)
}

/** Was that person here for the organization, so that this browser may stand for them next time? */
export function earnsTrust (personId: string, proofs: Proof[]): boolean {
  return (
    organizationProof(proofs) !== undefined &&
    (has(proofs, 'face', personId) !== undefined || has(proofs, 'counter', personId) !== undefined)
  )
}

/**
 * The next step of an attempt.
 * A face check is required when the person never had one (policy `first-login`), at each login (`always`),
 * or when the requested level is 3 or more. A counter code stands for the face check at equal rank
 * (人脸识别技术应用安全管理办法: a face must not be the only way).
 */
export function nextStep (facts: AttemptFacts): Step {
  const { person, session, proofs } = facts
  const organization = organizationProof(proofs)
  if (!person) return { step: organization ? 'agent' : 'login' }
  if (!person.enabled) return { step: 'refused', code: 'person_disabled' }
  const usable = session !== null && session.personId === person.id ? session : null
  const face = has(proofs, 'face', person.id)
  const counter = has(proofs, 'counter', person.id)
  const identityKnown = person.assuranceLevel >= 2 && person.faceVerified
  // an organization's password is known to many: the person behind it shows to be that person, or this browser stands
  // for them
  if (!isEstablished(facts)) {
    return organization ? { step: 'verify', identity: !identityKnown, face: true } : { step: 'login' }
  }
  const strong = face !== undefined || counter !== undefined || (usable !== null && usable.level >= 3)
  const faceRequired =
    facts.requestedLevel >= 3 ||
    facts.facePolicy === 'always' ||
    (facts.facePolicy === 'first-login' && !person.faceVerified)
  if (faceRequired && !strong) return { step: 'verify', identity: !identityKnown, face: true }
  const outcome = outcomeOf(person.id, facts)
  // level 4 needs more than this deployment can do online: the caller answers with the standard error
  return { step: 'finish', outcome }
}

/** What really happened, as acr and amr (RFC 8176); never more than was shown. */
export function outcomeOf (personId: string, facts: AttemptFacts): LoginOutcome {
  const { proofs, session, person } = facts
  const usable = session !== null && session.personId === personId ? session : null
  const amr = new Set<string>(usable?.amr ?? [])
  const times: number[] = usable ? [usable.authTime] : []
  const password = has(proofs, 'password', personId)
  const scan = has(proofs, 'scan', personId)
  const face = has(proofs, 'face', personId)
  const counter = has(proofs, 'counter', personId)
  const organization = organizationProof(proofs)
  if (password) {
    amr.add('pwd')
    times.push(password.at)
  }
  // the organization's is a password all the same; beside a session it adds nothing about the person
  if (organization && !usable) {
    amr.add('pwd')
    times.push(organization.at)
  }
  if (scan?.deviceKey) {
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
  let level: Level = person !== null && person.assuranceLevel >= 2 ? 2 : 1
  if (face || counter || (usable !== null && usable.level >= 3)) level = 3
  return { personId, level, acr: acrOfLevel(level), amr: [...amr], authTime: Math.max(0, ...times) }
}

/** The level that a request asks for: the client's minimum, raised (never lowered) by acr_values. */
export function requestedLevel (clientMinimum: Level, acrValues: string | undefined): Level {
  const asked = (acrValues ?? '')
    .split(' ')
    .map(levelOfAcr)
    .filter((level): level is Level => level !== undefined)
  // several acr_values are alternatives in order of preference: the least of them satisfies the request
  const least = asked.length > 0 ? (Math.min(...asked) as Level) : 1
  return Math.max(clientMinimum, least) as Level
}
