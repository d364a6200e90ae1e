/** All steps of a journey in the order in which a person would take them. */
import type { Outcome } from '../face-provider/index.ts'
import type { JourneyRequest } from '../sandbox/schemas.ts'
import type { Journey } from './journey.ts'

export type WholeOutcome = 'confirmed' | 'rejected' | 'refused' | 'stopped'
export type Plan = Omit<JourneyRequest, 'person' | 'device'>

/** Runs until the decision, a refusal, or the step after which to stop. */
export async function runJourney (journey: Journey, plan: Plan): Promise<WholeOutcome> {
  const remaining = (what: string): boolean =>
    journey.view?.requires.some((requirement) => requirement === what) === true
  const face = plan.face === undefined ? ['pass' as const] : Array.isArray(plan.face) ? plan.face : [plan.face]
  const steps: Array<[NonNullable<Plan['stop_after']>, () => Promise<boolean>]> = [
    ['device', async () => await journey.register()],
    ['scan', async () => await journey.scan(plan.payload)],
    ...(plan.decision === 'reject'
      ? []
      : ([
          ['accept', async () => await journey.accept(plan.check_number)],
          ['identity', async () => !remaining('identity') || (await journey.identity(plan.identity ?? {}))],
          [
            'face',
            async () =>
              !remaining('face') || plan.counter_code !== undefined || (await journey.face(face as Outcome[]))
          ],
          [
            'counter-code',
            async () =>
              plan.counter_code === undefined || !remaining('face') || (await journey.counterCode(plan.counter_code))
          ],
          ['confirm', async () => await journey.confirm()]
        ] satisfies Array<[NonNullable<Plan['stop_after']>, () => Promise<boolean>]>))
  ]
  for (const [name, step] of steps) {
    if (!(await step())) return 'refused'
    if (name === plan.stop_after) return name === 'confirm' ? 'confirmed' : 'stopped'
  }
  if (plan.decision === 'reject') return (await journey.reject()) ? 'rejected' : 'refused'
  return journey.finished ?? 'refused'
}
