/** The place where snake_case outside becomes camelCase inside, and back. */
import type { Static } from 'typebox'
import type { FaceBegun, FaceVerdict, FieldFault, IdentityInput, ScanView } from '../../records/scan-tickets/index.ts'
import type * as schemas from './schemas.ts'

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/**
 * Names of form fields and codes as the outside knows them: `certNo`/`CHECK` → `cert_no`/`check`. Pages use them too.
 */
export const outwardFaults = (faults: readonly FieldFault[]): FieldFault[] =>
  faults.map(({ field, code, details }) => ({
    field: snake(field),
    code: /^[A-Z0-9_]+$/.test(code) ? code.toLowerCase() : snake(code),
    ...(details === undefined ? {} : { details })
  }))

export function outwardScan (view: ScanView): Static<typeof schemas.Scan> {
  const { context } = view
  return {
    scan_id: view.ticketId,
    purpose: view.purpose,
    state: view.state,
    context: {
      client_name: context.clientName,
      client_host: context.clientHost,
      place: context.place,
      browser: context.browser,
      at: context.at,
      ...(context.subject === undefined ? {} : { subject: context.subject })
    },
    context_digest: view.contextDigest,
    requires: view.remaining,
    check_number: {
      mode: view.number,
      ...(view.number === 'compare' && view.checkNumber !== null ? { number: view.checkNumber } : {})
    },
    person:
      view.person === null ? null : { masked_name: view.person.maskedName, masked_cert_no: view.person.maskedCertNo },
    accepted: view.accepted,
    face_tries: view.faceTries,
    expires_in: view.secondsLeft
  }
}

/** Picks the known members: everything else, above all a person's id, is dropped. */
export const inwardAcceptance = (
  body: Static<typeof schemas.Acceptance>
): { contextDigest: string; checkNumber?: string } => ({
  contextDigest: body.context_digest,
  ...(body.check_number === undefined ? {} : { checkNumber: body.check_number })
})

export const inwardIdentity = (body: Static<typeof schemas.Identity>): IdentityInput => ({
  certType: body.cert_type,
  name: body.name,
  certNo: body.cert_no,
  validFrom: body.valid_from,
  term: body.term,
  consent: { given: body.consent.given, version: body.consent.version }
})

export const inwardFaceStart = (
  body: Static<typeof schemas.FaceStart>
): { consent: { given: boolean; version: string }; returnUrl?: string; clientMeta?: string } => ({
  consent: { given: body.consent.given, version: body.consent.version },
  ...(body.return_url === undefined ? {} : { returnUrl: body.return_url }),
  ...(body.client_meta === undefined ? {} : { clientMeta: body.client_meta })
})

export const outwardFaceCheck = (begun: FaceBegun): Static<typeof schemas.FaceCheck> => ({
  check_id: begun.checkId,
  method: begun.method,
  ...(begun.url === undefined ? {} : { url: begun.url }),
  ...(begun.token === undefined ? {} : { token: begun.token }),
  expires_at: begun.expiresAt,
  tries_left: begun.triesLeft
})

export function outwardVerdict (verdict: FaceVerdict): Static<typeof schemas.Verdict> {
  switch (verdict.status) {
    case 'passed':
    case 'pending':
      return { status: verdict.status }
    case 'failed':
      return {
        status: 'failed',
        reason: verdict.reason,
        tries_left: verdict.triesLeft,
        offer_alternative: verdict.offerAlternative
      }
    case 'unavailable':
      return { status: 'unavailable', retry_after: verdict.retryAfterSeconds }
  }
}
