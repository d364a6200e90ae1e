/** From the scan to the confirmation: thin, every decision is the phone side's. */
import type { PhoneRefusal, PhoneSide, ScanView } from '../../records/scan-tickets/index.ts'
import {
  inwardAcceptance,
  inwardFaceStart,
  inwardIdentity,
  outwardFaceCheck,
  outwardScan,
  outwardVerdict
} from './mapping.ts'
import { Problem, refusal, type ProblemCode } from './problems.ts'
import { route, type Answer, type Route } from './routes.ts'

const always: ProblemCode[] = ['account_locked', 'not_found', 'expired', 'wrong_state']

/** Ok or thrown: the error handler makes the problem of it. */
function granted<R extends { ok: true }> (result: R | PhoneRefusal): R {
  if (!result.ok) throw refusal(result)
  return result
}

const answerScan = ({ view }: { view: ScanView }): Answer => ({ status: 200, body: outwardScan(view) })

/**
 * The provider's page must not become an open redirector. An app watches for the address in its web view, or claims it
 * as its own link.
 */
const returnUrlAllowed = (url: string, issuer: string): boolean =>
  URL.canParse(url) && url.startsWith(`${issuer}/`)

export function scanRoutes (phone: PhoneSide, issuer: string): Route[] {
  return [
    route({
      method: 'POST',
      path: '/scans',
      operationId: 'scan',
      summary: 'Take a scan ticket: exactly one phone gets it.',
      body: 'NewScan',
      answers: { 201: 'StartedScan' },
      refusals: [
        'not_found',
        'already_scanned',
        'expired',
        'wrong_person',
        'account_locked',
        'device_not_bound',
        'too_many_requests',
        'invalid_fields'
      ],
      async handle ({ body, actor }) {
        const { scanToken, view } = granted(await phone.scan(body.payload, actor))
        return { status: 201, body: { ...outwardScan(view), scan_token: scanToken } }
      }
    }),
    route({
      method: 'GET',
      path: '/scans/current',
      operationId: 'readScan',
      summary: 'The scan as it stands: what is still missing is computed anew.',
      body: null,
      answers: { 200: 'Scan' },
      refusals: always,
      scanToken: true,
      handle: async ({ scanToken, actor }) => answerScan(granted(await phone.view(scanToken, actor)))
    }),
    route({
      method: 'POST',
      path: '/scans/accept',
      operationId: 'accept',
      summary: 'The person has read the context and wants this; an entered number is checked here.',
      body: 'Acceptance',
      answers: { 200: 'Scan' },
      refusals: [...always, 'number_mismatch', 'number_exhausted', 'digest_mismatch', 'invalid_fields'],
      scanToken: true,
      handle: async ({ body, scanToken, actor }) =>
        answerScan(granted(await phone.accept(scanToken, inwardAcceptance(body), actor)))
    }),
    route({
      method: 'POST',
      path: '/scans/identity',
      operationId: 'submitIdentity',
      summary: 'Identity data of the person, with the separate consent.',
      body: 'Identity',
      answers: { 200: 'Scan' },
      refusals: [
        ...always,
        'consent_required',
        'identity_mismatch',
        'identity_exhausted',
        'register_unavailable',
        'invalid_fields'
      ],
      scanToken: true,
      handle: async ({ body, scanToken, actor }) =>
        answerScan(granted(await phone.submitIdentity(scanToken, inwardIdentity(body), actor)))
    }),
    route({
      method: 'POST',
      path: '/scans/face',
      operationId: 'beginFaceCheck',
      summary: 'Begin a face check, with the separate consent. Pictures go to the provider, never here.',
      body: 'FaceStart',
      answers: { 201: 'FaceCheck' },
      refusals: [
        ...always,
        'consent_required',
        'face_exhausted',
        'face_unavailable',
        'too_many_requests',
        'invalid_fields'
      ],
      scanToken: true,
      async handle ({ body, scanToken, actor }) {
        if (body.return_url !== undefined && !returnUrlAllowed(body.return_url, issuer)) {
          throw new Problem('invalid_fields', { faults: [{ field: 'return_url', code: 'not_allowed' }] })
        }
        return {
          status: 201,
          body: outwardFaceCheck(granted(await phone.beginFace(scanToken, inwardFaceStart(body), actor)).begun)
        }
      }
    }),
    route({
      method: 'POST',
      path: '/scans/face/verdict',
      operationId: 'readVerdict',
      summary: 'Have the verdict pulled from the provider. What the phone thinks of it plays no part.',
      body: 'VerdictRequest',
      answers: { 200: 'Verdict' },
      refusals: [...always, 'invalid_fields'],
      scanToken: true,
      handle: async ({ body, scanToken, actor }) => ({
        status: 200,
        body: outwardVerdict(granted(await phone.faceVerdict(scanToken, body.check_id, actor)))
      })
    }),
    route({
      method: 'POST',
      path: '/scans/counter-code',
      operationId: 'useCounterCode',
      summary: 'The equal alternative to a face check: a one-time code issued at a counter.',
      body: 'CounterCode',
      answers: { 200: 'Scan' },
      refusals: [...always, 'code_invalid', 'too_many_requests', 'invalid_fields'],
      scanToken: true,
      handle: async ({ body, scanToken, actor }) =>
        answerScan(granted(await phone.useCounterCode(scanToken, body.code, actor)))
    }),
    route({
      method: 'POST',
      path: '/scans/confirm',
      operationId: 'confirm',
      summary: 'Everything is given: confirm exactly what was shown.',
      body: 'Acceptance',
      answers: { 200: 'Confirmed' },
      refusals: [
        ...always,
        'number_mismatch',
        'number_exhausted',
        'digest_mismatch',
        'face_required',
        'device_not_bound',
        'wrong_person',
        'invalid_fields'
      ],
      scanToken: true,
      async handle ({ body, scanToken, actor }) {
        granted(await phone.confirm(scanToken, inwardAcceptance(body), actor))
        return { status: 200, body: { state: 'confirmed' } }
      }
    }),
    route({
      method: 'POST',
      path: '/scans/reject',
      operationId: 'reject',
      summary: 'Not me, or not wanted.',
      body: null,
      answers: { 200: 'Rejected' },
      refusals: always,
      scanToken: true,
      async handle ({ scanToken, actor }) {
        granted(await phone.reject(scanToken, actor))
        return { status: 200, body: { state: 'rejected' } }
      }
    })
  ]
}
