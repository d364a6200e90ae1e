/**
 * The rules of a scan ticket, the thing behind a QR code: one purpose, one browser, one outcome.
 *
 * States and their transitions are data; the services turn each arrow into one conditional SQL statement.
 * Time never comes from here: the database says how old a ticket is.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export const ticketStates = [
  'waiting',
  'scanned',
  'identity',
  'face',
  'confirmed',
  'consumed',
  'rejected',
  'failed',
  'expired',
  'superseded'
] as const
export type TicketState = (typeof ticketStates)[number]

export type TicketPurpose =
  | 'login'
  | 'step-up'
  | 'approve-delegation'
  | 'organization-password'
  | 'register'
  | 'recover'
  | 'change-phone'

/** What proved the person on the phone. */
export type TicketProof = 'face' | 'counter'

/** Why a ticket is over without a confirmation; the two of a face check are not final. */
export type TicketFailure = 'wrong_person' | 'number_mismatch' | 'face_failed' | 'face_exhausted' | 'declined'

/** What the phone is asked for, in the order in which it gives it. */
const requirements = ['identity', 'face'] as const
export type TicketRequirement = (typeof requirements)[number]

/** Every arrow there is. `identity` = the data were given and are right; `face` = a face check is under way. */
export const transitions: Readonly<Record<TicketState, readonly TicketState[]>> = {
  waiting: ['scanned', 'failed', 'expired', 'superseded'],
  scanned: ['identity', 'face', 'confirmed', 'rejected', 'failed', 'expired', 'superseded'],
  identity: ['face', 'confirmed', 'rejected', 'failed', 'expired', 'superseded'],
  face: ['confirmed', 'rejected', 'failed', 'expired', 'superseded'],
  confirmed: ['consumed', 'expired'],
  consumed: [],
  rejected: [],
  failed: [],
  expired: [],
  superseded: []
}

/** The states from which an arrow leads to `next`. */
export const statesBefore = (next: TicketState): TicketState[] =>
  ticketStates.filter((state) => transitions[state].includes(next))

/** States that hold the one live ticket of a browser. */
export const liveStates: readonly TicketState[] = statesBefore('superseded')

/** States in which a phone has the ticket and may still do something. */
export const phoneStates: readonly TicketState[] = statesBefore('rejected')

/** No later change that the browser must learn of. */
export const isSettled = (state: TicketState): boolean => !liveStates.includes(state)

/**
 * Seconds: to scan; from the scan to the confirmation (form and face check); to finish in the browser; one step of the
 * payload.
 */
export const ticketSeconds = { scan: 180, act: 600, finish: 120, step: 20 } as const

export const ticketLimits = { numberTries: 3, silentRenewals: 3 } as const

/**
 * Renewals are counted, and at the limit the page stops renewing by itself. A ticket after the last silent renewal was
 * requested by a person, and the count restarts.
 */
export const nextRenewal = (previous: number | null): number =>
  previous === null || previous >= ticketLimits.silentRenewals ? 0 : previous + 1

// --- payload: 12 bytes that find the ticket, 9 bytes that prove the picture is fresh ---

const locatorBytes = 12
const tagBytes = 9
const codePattern = /^[\w-]{28}$/

/** What a ticket's code is computed from; `key` never leaves the server. */
export interface CodeSecrets {
  locator: Buffer
  key: Buffer
  purpose: string
}

/** Age of a ticket in seconds by the database clock; `rotating` once its browser has shown that script runs. */
export interface CodeAge {
  elapsed: number
  rotating: boolean
}

const tag = ({ locator, key, purpose }: CodeSecrets, step: number): Buffer =>
  createHmac('sha256', key).update(`scan-ticket\n${purpose}\n${step}\n`).update(locator).digest().subarray(0, tagBytes)

/** The step that is shown now: always 0 for a page without script, which cannot draw another. */
export const currentStep = ({ elapsed, rotating }: CodeAge): number =>
  rotating ? Math.max(0, Math.floor(elapsed / ticketSeconds.step)) : 0

/** Current and previous step: a phone may have photographed the picture just before it changed. */
export const acceptedSteps = (age: CodeAge): number[] => {
  const step = currentStep(age)
  return step === 0 ? [0] : [step, step - 1]
}

/** The 28 characters of one step. */
export const computeCode = (secrets: CodeSecrets, step: number): string =>
  Buffer.concat([secrets.locator, tag(secrets, step)]).toString('base64url')

/** The address in the QR picture. */
export const payloadUrl = (issuer: string, secrets: CodeSecrets, age: CodeAge): string =>
  `${issuer}/q/${computeCode(secrets, currentStep(age))}`

/**
 * Locator and tag of what was scanned: our address, or its last part alone. Null for everything else, other hosts
 * included.
 */
export function readPayload (issuer: string, payload: string): { locator: Buffer; tag: Buffer } | null {
  const prefix = `${issuer}/q/`
  const code = payload.startsWith(prefix) ? payload.slice(prefix.length) : payload
  if (!codePattern.test(code)) return null
  const bytes = Buffer.from(code, 'base64url')
  return { locator: bytes.subarray(0, locatorBytes), tag: bytes.subarray(locatorBytes) }
}

/** `stale`: it was right earlier in this ticket's life (a relayed photograph, or a slow hand). */
export function judgeCode (secrets: CodeSecrets, scanned: Buffer, age: CodeAge): 'fresh' | 'stale' | 'forged' {
  const matches = (step: number): boolean => timingSafeEqual(tag(secrets, step), scanned)
  if (scanned.length !== tagBytes) return 'forged'
  if (acceptedSteps(age).some(matches)) return 'fresh'
  const last = Math.floor(ticketSeconds.scan / ticketSeconds.step)
  return Array.from({ length: last + 1 }, (_, step) => step).some(matches) ? 'stale' : 'forged'
}

// --- what is confirmed ---

/** JSON with sorted keys and nothing left to chance (RFC 8785 for the values we use: text, integers, flags, null). */
export function canonicalJson (value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map((item) => canonicalJson(item === undefined ? null : item)).join(',')}]`
  }
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

/** Everything that a confirmation is bound to: what the person sees, and which ticket shows it. */
export interface Confirmable {
  id: string
  purpose: string
  clientId: string | null
  subjectRef: string | null
  context: object
}

/** SHA-256, base64url, of exactly what the phone shows before it may confirm. */
export const computeDigest = ({ id, purpose, clientId, subjectRef, context }: Confirmable): string =>
  createHash('sha256').update(canonicalJson({ id, purpose, clientId, subjectRef, context })).digest('base64url')

// --- the scanner, and what is still missing ---

export interface Scanner {
  kind: 'app' | 'web'
  personId: string | null
}

export type ScanDecision =
  | { ok: true; personId: string; requires: TicketRequirement[] }
  | { ok: false; code: 'wrong_person' | 'device_not_bound' }

/**
 * The person who scans must be the person who gave the password. Without a password the device identifies the person,
 * so it must be bound. An unbound phone proves nobody, and the browser of a phone is weaker than an app's key. So a
 * face check (or its equal) is required for the first always, and for the second when there was no password.
 */
export function decideScan (
  ticket: { expectedPersonId: string | null; requires: readonly string[] },
  scanner: Scanner | null
): ScanDecision {
  const owner = scanner?.personId ?? null
  const expected = ticket.expectedPersonId
  if (expected === null && owner === null) return { ok: false, code: 'device_not_bound' }
  if (expected !== null && owner !== null && owner !== expected) return { ok: false, code: 'wrong_person' }
  const faceToo = owner === null || (expected === null && scanner?.kind === 'web')
  return {
    ok: true,
    personId: (expected ?? owner) as string,
    requires: requirements.filter((item) => ticket.requires.includes(item) || (item === 'face' && faceToo))
  }
}

export interface Given {
  requires: readonly string[]
  identityAt: Date | null
  proof: string | null
  /** The face check that the ticket points to passed, is not too old and was not used. */
  facePassed: boolean
}

/** Required − given. An in-person code replaces the face check at equal rank. */
export const remainingRequirements = ({ requires, identityAt, proof, facePassed }: Given): TicketRequirement[] =>
  requirements.filter(
    (item) =>
      requires.includes(item) &&
      !(item === 'identity' ? identityAt !== null : proof === 'counter' || (proof === 'face' && facePassed))
  )
