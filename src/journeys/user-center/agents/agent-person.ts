/**
 * The person behind what a legal representative typed: one row for one human being. A new person gets a row without a
 * password; scan, identity data and face then prove exactly that person. Answers never reveal whether the person was
 * known before.
 */
import { isUniqueViolation } from '../../../database/errors.ts'
import { inTransaction } from '../../../database/transaction.ts'
import { sameName } from '../../../domain/identity/person-name.ts'
import { RegisterUnavailable } from '../../../ports/registry.ts'
import type { UserCenterDeps } from '../deps.ts'
import { insertPerson, personByCertNo, personByPhone } from '../../../records/persons/index.ts'
import { count, type Counter, uncount } from '../../../records/throttle/index.ts'
import type { Actor } from '../../../records/organizations/index.ts'
import type { NewAgent } from './form.ts'

/**
 * Mismatches of name and number, by one legal representative in 24 hours: nobody may test numbers against the register.
 */
const agentMismatches: Counter = { name: 'user-centre.agent-mismatch', limit: 10, seconds: 86_400 }

export type AgentPerson =
  { ok: true; personId: string } | { ok: false; code: 'identity_mismatch' | 'identity_exhausted' | 'unavailable' }

/** The register is asked in every case, outside of a transaction; then the row is found or made. */
export async function agentPerson (deps: UserCenterDeps, agent: NewAgent, by: Actor): Promise<AgentPerson> {
  if (!(await count(deps, agentMismatches, by.personId))) return { ok: false, code: 'identity_exhausted' }
  const answer = await askRegister(deps, agent)
  if (answer === 'unavailable') {
    await uncount(deps, agentMismatches, by.personId)
    return { ok: false, code: 'unavailable' }
  }
  const known = await personByCertNo(deps.db, deps.crypto, { certType: 'resident_id', certNo: agent.certNo })
  if (answer !== 'match' || (known !== null && !isNamed(known, agent.name))) {
    return { ok: false, code: 'identity_mismatch' }
  }
  await uncount(deps, agentMismatches, by.personId)
  return { ok: true, personId: known?.id ?? (await createPerson(deps, agent, by)) }
}

const isNamed = (person: { name: string; nameBo: string | null }, name: string): boolean =>
  sameName(person.name, name) || (person.nameBo !== null && sameName(person.nameBo, name))

async function askRegister (
  { population, log }: UserCenterDeps,
  { name, certNo }: NewAgent
): Promise<'match' | 'mismatch' | 'no_record' | 'unavailable'> {
  try {
    return await population.verify({ certType: 'resident_id', certNo, name })
  } catch (error) {
    if (!(error instanceof RegisterUnavailable)) throw error
    log.warn({ register: population.name }, 'population register unavailable')
    return 'unavailable'
  }
}

async function createPerson (deps: UserCenterDeps, { name, certNo, phone }: NewAgent, by: Actor): Promise<string> {
  const { db, crypto, audit } = deps
  // a phone number belongs to one person; the agent adds the right one later
  const free = (await personByPhone(db, crypto, phone)) === null
  const insert = async (withPhone: boolean): Promise<string> =>
    await inTransaction(db, async (trx) => {
      const { id } = await insertPerson(trx, crypto, {
        person: {
          status: 'active',
          name,
          certType: 'resident_id',
          certNo,
          ...(withPhone ? { phone } : {})
        }
      })
      await audit.record(trx, {
        type: 'person.created',
        actor: `person:${by.personId}`,
        personId: id,
        address: by.address,
        traceId: by.traceId,
        details: { as: 'agent' }
      })
      return id
    })
  try {
    return await insert(free)
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    // made or taken by somebody else meanwhile
    return (await personByCertNo(db, crypto, { certType: 'resident_id', certNo }))?.id ?? (await insert(false))
  }
}
