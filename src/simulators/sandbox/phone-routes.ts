/** Simulated phones over JSON: a whole journey in one call, or its steps one by one. */
import Type, { type TProperties, type TSchema } from 'typebox'
import type { Outcome } from '../face-provider/index.ts'
import { runJourney, type Journey } from '../phone/index.ts'
import { route, type ApiRoute } from './api-route.ts'
import type { SandboxParts } from './api-routes.ts'
import { findPhoneOwner } from './levers.ts'
import { SandboxProblem } from './problem.ts'
import * as schemas from './schemas.ts'

export function phoneRoutes ({ deps, phones }: Pick<SandboxParts, 'deps' | 'phones'>): ApiRoute[] {
  /** @throws SandboxProblem 404 */
  const begin = async (person: string, device: string | undefined, locale: string): Promise<Journey> => {
    const journey = await phones.begin(await findPhoneOwner(deps, person), device, locale)
    if (journey === null) {
      throw new SandboxProblem(
        404,
        'unknown_device',
        'No person has this handle; a device is "bound", "new" or the handle of a person.'
      )
    }
    return journey
  }

  /** One step of a journey that was started by a scan. */
  const step = <P extends TProperties>({
    name,
    summary,
    members,
    act
  }: {
    name: string
    summary: string
    members: P
    act: (journey: Journey, body: Record<string, unknown>) => Promise<boolean>
  }): ApiRoute =>
      route({
        method: 'POST',
        path: `/sandbox/api/phone/${name}`,
        tag: 'phone',
        summary,
        body: Type.Object({ journey: schemas.journeyId, ...members }, { additionalProperties: false }) as TSchema,
        answer: schemas.stepAnswer,
        problems: { 404: 'No such journey, or it is older than 15 minutes.' },
        handle: async ({ body }) => {
          const given = body as Record<string, unknown>
          const journey = phones.store.get(String(given['journey']))
          if (journey === null) {
            const text = 'There is no such journey, or it is older than 15 minutes.'
            throw new SandboxProblem(404, 'unknown_journey', text)
          }
          return await stepAnswer(journey, async () => await act(journey, given))
        }
      })

  return [
    route({
      method: 'POST',
      path: '/sandbox/api/phone/journeys',
      tag: 'phone',
      summary: "Scan a QR code with a person's phone and do all that the phone then asks for",
      description:
        'Every step is a real call of /app/v1 over HTTP with the key of the simulated device. A refusal by the app ' +
        'API is an outcome, not an error: the answer is 200.',
      body: schemas.journeyRequest,
      answer: schemas.journeyAnswer,
      problems: { 404: 'No such person or device.' },
      handle: async ({ body, request }) => {
        const journey = await begin(body.person, body.device, request.locale)
        const outcome = await runJourney(journey, body)
        return { journey: journey.id, outcome, refusal: journey.refusal, steps: [...journey.steps] }
      }
    }),
    route({
      method: 'POST',
      path: '/sandbox/api/phone/scan',
      tag: 'phone',
      summary: 'Only scan: begins a journey that is continued step by step',
      body: Type.Object(
        { payload: schemas.payload, person: schemas.person, device: Type.Optional(schemas.device) },
        { additionalProperties: false }
      ),
      answer: schemas.stepAnswer,
      problems: { 404: 'No such person or device.' },
      handle: async ({ body, request }) => {
        const journey = await begin(body.person, body.device, request.locale)
        return await stepAnswer(journey, async () => (await journey.register()) && (await journey.scan(body.payload)))
      }
    }),
    step({
      name: 'accept',
      summary: 'Agree to what the phone shows',
      members: { check_number: Type.Optional(schemas.checkNumber) },
      act: async (journey, body) => await journey.accept(body['check_number'] as string | undefined)
    }),
    step({
      name: 'identity',
      summary: 'Fill in the identity form',
      members: { identity: Type.Optional(schemas.identity) },
      act: async (journey, body) => await journey.identity((body['identity'] ?? {}) as schemas.IdentityChoice)
    }),
    step({
      name: 'face',
      summary: 'Do the face check, as often as there are outcomes',
      members: { face: Type.Optional(schemas.faces) },
      act: async (journey, body) => await journey.face([body['face'] ?? 'pass'].flat() as Outcome[])
    }),
    step({
      name: 'counter-code',
      summary: 'Use a counter code instead of the face check',
      members: { code: schemas.counterCode },
      act: async (journey, body) => await journey.counterCode(String(body['code']))
    }),
    step({
      name: 'confirm',
      summary: 'Confirm',
      members: { check_number: Type.Optional(schemas.checkNumber) },
      act: async (journey, body) => await journey.confirm(body['check_number'] as string | undefined)
    }),
    step({ name: 'reject', summary: 'Decline', members: {}, act: async (journey) => await journey.reject() })
  ]
}

/** Does one step and returns its outcome. */
async function stepAnswer (journey: Journey, act: () => Promise<boolean>): Promise<schemas.StepAnswer> {
  const before = journey.steps.length
  const done = await act()
  return {
    journey: journey.id,
    outcome: done ? (journey.finished ?? 'open') : 'refused',
    refusal: journey.refusal,
    view: journey.view,
    steps: journey.steps.slice(before)
  }
}
