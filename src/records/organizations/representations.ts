import type { Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { statement } from '../../database/statement.ts'
import {
  contextId,
  readContextId,
  self,
  usableAt,
  type OrganizationFacts,
  type Representation,
  type RepresentationRef
} from '../../domain/representation/representation.ts'
import type { RepresentationOption } from '../../domain/representation/option.ts'
import type { OrganizationsDeps } from './deps.ts'
import { shanghaiToday } from './repository.ts'
import type { Representations } from './types.ts'

interface OrganizationColumns {
  organizationId: string
  uscc: string
  name: string
  type: string
  status: OrganizationFacts['status']
}
interface LegalRow extends OrganizationColumns {
  since: Date | null
}
interface AgentRow extends OrganizationColumns {
  id: string
  version: number
  state: string
  functions: string[] | null
  clientIds: string[] | null
  validFrom: string
  validTo: string
  decidedAt: Date | null
  faceCheckId: string | null
}

const today = "to_char((now() at time zone 'UTC') + interval '8 hours', 'YYYY-MM-DD')"
const organizationColumns = 'o.id as organization_id, o.uscc, o.name, o.type, o.status'
const delegationColumns =
  'd.id, d.version, d.state, d.functions, d.client_ids, d.valid_from, d.valid_to, d.decided_at, d.face_check_id'

const selfStatement = statement<[string], { id: string }>(
  'representation self',
  `
  select p.id from person p where p.id = $1 and p.status = 'active'`
)

const legalStatement = statement<[string, string], LegalRow>(
  'representation legal representative',
  `
  select ${organizationColumns}, o.legal_representative_since as since
  from organization o join person p on p.id = o.legal_representative_id
  where o.id = $2 and p.id = $1 and o.status in ('active', 'pending') and p.status = 'active'`
)

const agentStatement = statement<[string, string, string], AgentRow>(
  'representation agent',
  `
  select ${organizationColumns}, ${delegationColumns}
  from delegation d join organization o on o.id = d.organization_id join person p on p.id = d.agent_id
  where d.id = $2 and d.organization_id = $3 and d.agent_id = $1 and d.state = 'active'
    and o.status = 'active' and p.status = 'active' and ${today} between d.valid_from and d.valid_to`
)

const legalOptions = statement<[string], LegalRow>(
  'representation options legal representative',
  `
  select ${organizationColumns}, o.legal_representative_since as since
  from organization o where o.legal_representative_id = $1 and o.status <> 'dissolved' order by o.name, o.id limit 200`
)

// one for each organization: the version in force, else the one that waits, else the latest that ended
const agentOptions = statement<[string], AgentRow>(
  'representation options agent',
  `
  select distinct on (d.organization_id) ${organizationColumns}, ${delegationColumns}
  from delegation d join organization o on o.id = d.organization_id
  where d.agent_id = $1 and d.state in ('active', 'suspended', 'agent_verified', 'submitted', 'revoked', 'expired')
    and o.status <> 'dissolved'
  order by d.organization_id, d.state in ('active', 'suspended') desc, d.state in ('agent_verified', 'submitted') desc,
    d.created_at desc, d.version desc
  limit 200`
)

const anyStatement = statement<[string], { any: boolean }>(
  'representation options any',
  `
  select exists (select 1 from organization where legal_representative_id = $1)
      or exists (select 1 from delegation where agent_id = $1) as any`
)

const delegationStatement = statement<[string], { organizationId: string }>(
  'representation organization of a delegation',
  'select organization_id from delegation where id = $1 limit 1'
)

const choiceStatement = statement<[string, string], { contextId: string; organizationId: string | null }>(
  'representation choice',
  `
  select c.context_id, (select d.organization_id from delegation d where d.id = c.context_id limit 1) as organization_id
  from representation_choice c where c.person_id = $1 and c.client_id = $2`
)

const rememberStatement = statement<[string, string, string], { contextId: string }>(
  'representation remember',
  `
  insert into representation_choice (person_id, client_id, context_id) values ($1, $2, $3)
  on conflict (person_id, client_id) do update set context_id = excluded.context_id, chosen_at = now()
  returning context_id`
)

const toOrganizationFacts = ({ organizationId, uscc, name, type, status }: OrganizationColumns): OrganizationFacts => ({
  id: organizationId,
  uscc,
  name,
  type,
  status
})

const toLegalRepresentation = (row: LegalRow): Representation => ({
  role: 'legal_representative',
  organization: toOrganizationFacts(row),
  since: row.since?.toISOString() ?? null
})

const toAgentRepresentation = (row: AgentRow): Representation => ({
  role: 'agent',
  organization: toOrganizationFacts(row),
  delegation: {
    id: row.id,
    version: row.version,
    functions: row.functions,
    clientIds: row.clientIds,
    validFrom: row.validFrom,
    validTo: row.validTo
  },
  approval: row.decidedAt === null ? null : { approvedAt: row.decidedAt.toISOString(), faceCheckId: row.faceCheckId }
})

export function createRepresentations ({ db }: Pick<OrganizationsDeps, 'db'>): Representations {
  async function resolve (personId: string, ref: RepresentationRef): Promise<Representation | null> {
    switch (ref.role) {
      case 'self':
        return (await selfStatement(db, personId)).length === 1 ? self : null
      case 'legal_representative': {
        const [row] = await legalStatement(db, personId, ref.organizationId)
        return row === undefined ? null : toLegalRepresentation(row)
      }
      case 'agent': {
        const [row] = await agentStatement(db, personId, ref.delegationId, ref.organizationId)
        return row === undefined ? null : toAgentRepresentation(row)
      }
    }
  }

  return {
    resolve,
    async listOptions (personId, { clientId, policy }) {
      const person = await db
        .selectFrom('person')
        .select(shanghaiToday.as('today'))
        .where('id', '=', personId)
        .where('status', '=', 'active')
        .executeTakeFirst()
      if (person === undefined) return []
      const accepted = {
        clientId,
        subjectKinds: policy.subjectKinds,
        roles: policy.roles,
        ownService: policy.ownService === true
      }
      const blocked = (representation: Representation, state: string): RepresentationOption['blocked'] => {
        if (state === 'agent_verified' || state === 'submitted') return 'pending'
        if (state === 'suspended' || state === 'expired') return state
        const usable = usableAt(representation, accepted, person.today)
        if (usable.ok) return null
        return representation.role === 'legal_representative' && representation.organization.status === 'pending'
          ? 'to_decide'
          : usable.code
      }
      const legal = await legalOptions(db, personId)
      const agent = (await agentOptions(db, personId)).filter(({ state }) => state !== 'revoked')
      return [
        { representation: self, blocked: blocked(self, 'active') },
        ...legal
          .map(toLegalRepresentation)
          .map((representation) => ({ representation, blocked: blocked(representation, 'active') })),
        ...agent
          .map((row) => ({ row, representation: toAgentRepresentation(row) }))
          .map(({ row, representation }) => ({ representation, blocked: blocked(representation, row.state) }))
      ]
    },
    actsForAny: async (personId) => (await anyStatement(db, personId))[0]?.any === true,
    async rememberedChoice (personId, clientId) {
      const [choice] = await choiceStatement(db, personId, clientId)
      if (choice === undefined) return null
      const ref = readContextId(choice.contextId, choice.organizationId)
      return ref !== null && (await resolve(personId, ref)) !== null ? ref : null
    },
    async rememberChoice (trx, { personId, clientId, ref }) {
      await rememberStatement(trx, personId, clientId, contextId(ref))
    }
  }
}

/** The organization that a delegation, in any version and state, is of. */
export const findDelegationOrganization = async (
  db: Kysely<Database>,
  delegationId: string
): Promise<string | null> => (await delegationStatement(db, delegationId))[0]?.organizationId ?? null
