/**
 * One run of a simulated phone through one scan ticket: every step is a call of the app API, noted in a transcript.
 * What the person reads on the other screen and does outside the app (the face check on the provider's page) comes
 * through `World`.
 */
import type { Static } from 'typebox'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Scan } from '../../journeys/app-api/index.ts'
import type { Outcome } from '../face-provider/index.ts'
import type { IdentityChoice, TranscriptStep } from '../sandbox/schemas.ts'
import type { AppAnswer, AppClient } from './app-client.ts'
import { identityData } from './identity-data.ts'
import type { PhoneKey } from './keys.ts'
import type { PhoneOwner } from './people.ts'

/** What a person can do besides the app. Only the sandbox has these means. */
export interface World {
  client: AppClient
  /** The number on the screen that shows the QR code; '' when there is no such screen. */
  readCheckNumber(ticketId: string): Promise<string>
  /** What happens in front of the camera. Returns the provider's word about it. */
  beforeCamera(checkId: string, outcome: Outcome): Promise<string>
  /** Gives the phone a new key in place of a revoked one. */
  newKey(): Promise<PhoneKey>
  /** 'YYYY-MM-DD' */
  today(): string
  policyVersion: string
  locale: string
}

/** What the phone shows: the app API's scan. */
export type PhoneView = Static<typeof Scan>

export interface Refusal {
  step: string
  status: number
  code: string
}

export interface Journey {
  readonly id: string
  readonly owner: PhoneOwner
  readonly steps: readonly TranscriptStep[]
  readonly view: PhoneView | null
  readonly finished: 'confirmed' | 'rejected' | null
  readonly refusal: Refusal | null
  register(): Promise<boolean>
  scan(payload: string): Promise<boolean>
  accept(checkNumber?: string): Promise<boolean>
  identity(choice: IdentityChoice): Promise<boolean>
  /** The outcomes of successive tries; ends at the first pass, or when there are no more. */
  face(outcomes: readonly Outcome[]): Promise<boolean>
  counterCode(code: string): Promise<boolean>
  confirm(checkNumber?: string): Promise<boolean>
  reject(): Promise<boolean>
}

/** A step returns whether it succeeded; why not is in `refusal`. Throws only when the API gives no answer at all. */
export function createJourney (owner: PhoneOwner, key: PhoneKey, world: World): Journey {
  const { client, locale } = world
  const consent = (given: boolean): object => ({ given, version: world.policyVersion })
  const steps: TranscriptStep[] = []
  let phoneKey = key
  let scanToken = ''
  let view: PhoneView | null = null
  let finished: Journey['finished'] = null
  let refusal: Refusal | null = null

  const post = async ({
    step,
    path,
    body,
    method = 'POST'
  }: {
    step: string
    path: string
    body: Record<string, unknown> | null
    method?: 'GET' | 'POST' | undefined
  }): Promise<AppAnswer> => {
    const answer = await client.send({ step, method, key: phoneKey, path, body, scanToken, locale })
    steps.push(answer.transcript)
    return answer
  }
  const refuse = (step: string, status: number, code: string): false => {
    refusal = { step, status, code }
    return false
  }
  const readProblemCode = ({ body }: AppAnswer): string =>
    typeof body['code'] === 'string' ? body['code'] : 'no_code'
  /** A call about the scanned ticket; takes over the view that comes back. */
  const call = async (step: string, body: Record<string, unknown> | null): Promise<AppAnswer | null> => {
    refusal = null
    const answer = await post({ step, path: `/app/v1/scans/${step}`, body })
    if (answer.status >= 300) {
      refuse(step, answer.status, readProblemCode(answer))
      return null
    }
    view = viewIn(answer.body) ?? view
    return answer
  }
  /** What the person types: the number given, else (when one must be typed) what stands on the other screen. */
  const numberFor = async (given: string | undefined): Promise<object> => {
    if (given !== undefined && given !== '') return { check_number: given }
    return view?.check_number.mode === 'enter' && !view.accepted
      ? { check_number: await world.readCheckNumber(view.scan_id) }
      : {}
  }
  // '-' is no digest at all: before a scan there is none
  const digest = (): object => ({ context_digest: view?.context_digest ?? '-' })

  const journey: Journey = {
    id: newIdentifier(16),
    owner,
    get steps () {
      return steps
    },
    get view () {
      return view
    },
    get finished () {
      return finished
    },
    get refusal () {
      return refusal
    },

    async register () {
      refusal = null
      const body = { label: `Sandbox · ${owner.handle}` }
      let answer = await post({ step: 'device', path: '/app/v1/devices', body })
      if (readProblemCode(answer) === 'key_revoked') {
        phoneKey = await world.newKey()
        answer = await post({ step: 'device', path: '/app/v1/devices', body })
      }
      return answer.status < 300 || refuse('device', answer.status, readProblemCode(answer))
    },
    async scan (payload) {
      refusal = null
      const answer = await post({ step: 'scan', path: '/app/v1/scans', body: { payload } })
      if (answer.status >= 300) return refuse('scan', answer.status, readProblemCode(answer))
      scanToken = String(answer.body['scan_token'])
      view = viewIn(answer.body)
      return true
    },
    accept: async (checkNumber) => (await call('accept', { ...digest(), ...(await numberFor(checkNumber)) })) !== null,
    async identity (choice) {
      const { consent: given, ...data } = identityData(owner, choice, world.today())
      return (await call('identity', { ...data, consent: consent(given) })) !== null
    },
    async face (outcomes) {
      for (const outcome of outcomes) {
        const begun = await call('face', { consent: consent(true) })
        if (begun === null) return false
        const checkId = String(begun.body['check_id'] ?? '')
        const result = await world.beforeCamera(checkId, outcome)
        steps.push({
          step: 'camera',
          request: { method: '-', path: 'face provider', body: { outcome } },
          status: 200,
          response: { result }
        })
        const verdict = await call('face/verdict', { check_id: checkId })
        if (verdict === null) return false
        const current = await post({ step: 'view', path: '/app/v1/scans/current', body: null, method: 'GET' })
        view = viewIn(current.body) ?? view
        const status = String(verdict.body['status'])
        if (status === 'passed') return true
        refuse(
          'face',
          verdict.status,
          status === 'failed' ? String(verdict.body['reason']) : status === 'unavailable' ? 'face_unavailable' : status
        )
      }
      return false
    },
    counterCode: async (code) => (await call('counter-code', { code })) !== null,
    async confirm (checkNumber) {
      if ((await call('confirm', { ...digest(), ...(await numberFor(checkNumber)) })) === null) return false
      finished = 'confirmed'
      return true
    },
    async reject () {
      if ((await call('reject', null)) === null) return false
      finished = 'rejected'
      return true
    }
  }
  return journey
}

/** The scan in an answer, or null where the answer is about something else. */
function viewIn (body: Record<string, unknown>): PhoneView | null {
  return typeof body['scan_id'] === 'string' ? (body as PhoneView) : null
}
