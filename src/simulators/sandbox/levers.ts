/** What can be changed in the sandbox, for the API and the page alike. */
import { write } from '../../database/transaction.ts'
import { parseResidentId } from '../../domain/identity/resident-id.ts'
import { parsePhone } from '../../domain/identity/phone-number.ts'
import { issueCounterCode } from '../../records/counter-codes/index.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import type { SimulatorsDeps } from '../deps.ts'
import { outcomes, type FaceSandbox, type Outcome } from '../face-provider/index.ts'
import type { Sandbox } from '../index.ts'
import { findDemoPerson, findOwner, type PhoneOwner } from '../phone/index.ts'
import type { Citizen, CitizenChange } from './population.ts'
import { SandboxProblem, unknownPerson } from './problem.ts'

/** @throws SandboxProblem 404 */
export async function findPhoneOwner (
  deps: Pick<SimulatorsDeps, 'db' | 'crypto'>,
  reference: string
): Promise<PhoneOwner> {
  const owner = await findOwner(deps, reference)
  if (owner === null) throw unknownPerson()
  return owner
}

// --- face checks ---

export interface FaceScript {
  next: string[]
  persons: Array<{ person: string; outcome: string }>
  outcomes: string[]
}

export function scriptedFace (service: FaceSandbox): FaceScript {
  const { queue, persons } = service.scripted()
  return {
    next: queue,
    persons: Object.entries(persons).map(([certNo, outcome]) => ({
      person: findDemoPerson(certNo)?.handle ?? certNo,
      outcome
    })),
    outcomes: [...outcomes]
  }
}

/** See the schema `faceScript`: without an owner the queue of everybody, with one this person's constant outcome. */
export function scriptFace (service: FaceSandbox, owner: PhoneOwner | null, chosen: readonly Outcome[]): void {
  const { queue, persons } = service.scripted()
  service.clearScript()
  if (owner === null) {
    service.script([...chosen])
    if (chosen.length > 0) service.script(persons)
    return
  }
  const { [owner.certNo]: _, ...others } = persons
  const [outcome] = chosen
  service.script(queue)
  service.script(outcome === undefined ? others : { ...others, [owner.certNo]: outcome })
}

// --- population register ---

export const citizenView = ({
  certNo,
  name,
  status,
  available
}: Citizen): { handle: string | null; cert_no: string; name: string; status: string; available: boolean } => ({
  handle: findDemoPerson(certNo)?.handle ?? null,
  cert_no: certNo,
  name,
  status,
  available
})

/** @throws SandboxProblem 404 for nobody, 409 when the register is full */
export async function changeCitizen (
  { deps, sandbox }: { deps: SimulatorsDeps; sandbox: Sandbox },
  id: string,
  change: CitizenChange
): Promise<Citizen> {
  const owner = await findOwner(deps, id)
  const number = parseResidentId(id, shanghaiDate(deps.clock.now()))
  const certNo = owner?.certNo ?? (number.ok ? number.value : null)
  if (certNo === null) throw unknownPerson()
  if (!sandbox.population.set(certNo, change)) {
    throw new SandboxProblem(409, 'register_full', 'The register has 1000 entries and takes no more.')
  }
  return sandbox.population.get(certNo)
}

// --- messages, in-person codes ---

export interface SentMessage {
  message_id: string
  phone: string
  template: string
  parameters: Record<string, string>
  at: string
}

/** Newest first. */
export function messagesTo ({ sms }: Pick<Sandbox, 'sms'>, phone: string | undefined): SentMessage[] {
  const parsed = phone === undefined ? null : parsePhone(phone)
  if (parsed !== null && !parsed.ok) return []
  return sms.messages(parsed?.value).map(({ messageId, phone: to, template, parameters, at }) => ({
    message_id: messageId,
    phone: to,
    template,
    parameters,
    at: new Date(at).toISOString()
  }))
}

/** @throws SandboxProblem 404, 409 */
export async function issueCode (
  deps: SimulatorsDeps,
  personId: string | null,
  traceId: string
): Promise<{ code: string; expires_at: string }> {
  if (personId === null) throw unknownPerson()
  const issued = await write(deps, issueCounterCode, {
    personId,
    issuedBy: 'staff:sandbox',
    reason: 'sandbox',
    traceId
  })
  if (issued === null) throw new SandboxProblem(409, 'account_disabled', 'There is no code for a disabled account.')
  return { code: issued.code, expires_at: issued.expiresAt.toISOString() }
}
