/** Organizations with everything needed to sign in for each: people, delegations, and what will happen. */
import type { SimulatorsDeps } from '../deps.ts'
import { personById } from '../../records/persons/index.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import { demoOrganizations } from '../demo-organizations.ts'
import { demoPassword } from '../demo-people.ts'
import type { Sandbox } from '../index.ts'
import { someone } from './companies.ts'
import type { DelegationEntry, OrganizationView, Someone } from './company-schemas.ts'

type Parts = Pick<SimulatorsDeps, 'db' | 'crypto' | 'clock'>
interface Human extends Someone {
  verified: boolean
}

const most = 200

/** Those of the demo data first, then those registered since. */
export async function listOrganizations (
  deps: Parts,
  { companyService }: Pick<Sandbox, 'companyService'>
): Promise<OrganizationView[]> {
  const { db } = deps
  const today = shanghaiDate(deps.clock.now())
  const stored = await db
    .selectFrom('organization')
    .select(['id', 'uscc', 'name', 'status', 'legalRepresentativeId', 'passwordHash'])
    .orderBy('createdAt')
    .orderBy('id')
    .limit(most)
    .execute()
  const delegations = await db
    .selectFrom('delegation')
    .selectAll()
    .distinctOn('id')
    .orderBy('id')
    .orderBy('version', 'desc')
    .limit(1000)
    .execute()
  const people = new Map<string, Human>()
  for (const id of new Set([
    ...stored.map((row) => row.legalRepresentativeId),
    ...delegations.map(({ agentId }) => agentId)
  ])) {
    const person = id === null ? null : await personById(db, deps.crypto, id)
    if (person !== null) people.set(person.id, { ...someone(person), verified: person.faceVerifiedAt !== null })
  }

  const entries = stored.map((row): OrganizationView => {
    const demo = demoOrganizations.find(({ uscc }) => uscc === row.uscc)
    const own = delegations
      .filter(({ organizationId }) => organizationId === row.id)
      .sort((a, b) => Number(a.createdAt) - Number(b.createdAt))
    const active = own.filter(({ state, validTo }) => state === 'active' && validTo >= today).length
    return {
      handle: demo?.handle ?? null,
      organization_id: row.id,
      uscc: row.uscc,
      name: row.name,
      type: row.uscc.slice(0, 2),
      password: demo === undefined || row.passwordHash === null ? null : demoPassword,
      status: row.status,
      legal_representative: plain(people.get(row.legalRepresentativeId ?? '')),
      legal_representative_login: asRepresentative(row.status, people.get(row.legalRepresentativeId ?? '')),
      delegations: own.flatMap((one): DelegationEntry[] => {
        const agent = people.get(one.agentId)
        return agent === undefined
          ? []
          : [
              {
                delegation_id: one.id,
                version: one.version,
                state: one.state,
                agent: plain(agent) as Someone,
                functions: one.functions,
                client_ids: one.clientIds,
                valid_from: one.validFrom,
                valid_to: one.validTo,
                reason: one.reason,
                login: asAgent({ status: row.status, ...one, agent, active, today })
              }
            ]
      }),
      register: inRegister(companyService, row.uscc),
      note: demo?.note ?? ''
    }
  })
  const order = new Map(demoOrganizations.map(({ uscc }, at) => [uscc, at]))
  const last = demoOrganizations.length
  return [...entries, ...withoutAccount(companyService, new Set(stored.map(({ uscc }) => uscc)))].sort(
    (a, b) => (order.get(a.uscc) ?? last) - (order.get(b.uscc) ?? last)
  )
}

function withoutAccount (companyService: Sandbox['companyService'], known: ReadonlySet<string>): OrganizationView[] {
  return companyService
    .list()
    .filter(({ uscc }) => !known.has(uscc))
    .slice(0, most)
    .map(({ uscc, name, legalRepresentative }) => {
      const demo = demoOrganizations.find((one) => one.uscc === uscc)
      return {
        handle: demo?.handle ?? null,
        organization_id: null,
        uscc,
        name,
        type: uscc.slice(0, 2),
        password: null,
        status: null,
        legal_representative: someone(legalRepresentative),
        legal_representative_login:
          'Has no account here: the answer is that of a wrong password. It can be registered.',
        delegations: [],
        register: inRegister(companyService, uscc),
        note: demo?.account === false ? demo.note : ''
      }
    })
}

function inRegister (companyService: Sandbox['companyService'], uscc: string): OrganizationView['register'] {
  const row = companyService.get(uscc)
  return row === undefined
    ? null
    : { name: row.name, status: row.status, legal_representative: someone(row.legalRepresentative) }
}

function plain (human: Human | undefined): Someone | null {
  if (human === undefined) return null
  const { verified: _, ...rest } = human
  return rest
}

const formatName = ({ handle, name }: Someone): string => handle ?? name
const proofs = (human: Human): string =>
  `in a new browser the phone of ${formatName(human)} scans, with identity data and face check${human.verified ? '' : " (this person's very first)"}; afterwards code and password are enough in that browser`

function asRepresentative (status: string, person: Human | undefined): string {
  if (person === undefined) return 'Nobody is known as legal representative.'
  if (status === 'suspended' || status === 'dissolved') return `Refused: the organization is ${status}.`
  return `Logs in with code, password and 我是法定代表人: ${proofs(person)}.`
}

interface AsAgentInput {
  status: string
  state: DelegationEntry['state'];
  validTo: string
  agent: Human
  active: number
  today: string
}

function asAgent (
  { status, state, validTo, agent, active, today }: AsAgentInput
): string {
  if (status === 'suspended' || status === 'dissolved') return `Refused: the organization is ${status}.`
  if (state === 'active' && validTo >= today) {
    const which =
      active > 1 ? `is asked which agent (phone or document number), because there are ${active}; then ` : ''
    return `Logs in with code, password and 我是代理人: ${which}${proofs(agent)}.`
  }
  const why: Partial<Record<DelegationEntry['state'], string>> = {
    draft: 'nobody has shown to be this agent yet',
    agent_verified: 'waits to be submitted',
    submitted: 'waits for the legal representative',
    active: 'has ended',
    expired: 'has ended',
    withdrawn: 'was withdrawn',
    superseded: 'was replaced by a newer version'
  }
  return `Refused: the delegation ${why[state] ?? `was ${state}`}.`
}
