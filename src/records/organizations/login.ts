import { statement } from '../../database/statement.ts'
import type { OrganizationsDeps } from './deps.ts'
import { organizationById, organizationByUscc } from './repository.ts'
import { isTrustedBrowser, trustBrowser } from './trusted-browsers.ts'
import type { Candidate, Organization, OrganizationLogin } from './types.ts'

// one for each agent: the version in force, else the one that waits, else the latest that ended. Drafts are not there:
// nobody has shown yet to be that person.
const agents = statement<[string], { agentId: string; id: string; state: string; over: boolean }>(
  'organization agents',
  `
  select distinct on (d.agent_id) d.agent_id, d.id, d.state,
    d.valid_to < to_char((now() at time zone 'UTC') + interval '8 hours', 'YYYY-MM-DD') as over
  from delegation d
  where d.organization_id = $1 and d.state in ('active', 'suspended', 'agent_verified', 'submitted', 'rejected',
    'revoked', 'expired')
  order by d.agent_id, d.state in ('active', 'suspended') desc, d.state in ('agent_verified', 'submitted') desc,
    d.created_at desc, d.version desc
  limit 500`
)

function resolveState (state: string, over: boolean): Candidate['state'] {
  switch (state) {
    case 'active':
      return over ? 'expired' : 'active'
    case 'agent_verified':
    case 'submitted':
      return 'pending'
    default:
      return state as Candidate['state']
  }
}

const ofLegalRepresentative = (status: Organization['status']): Candidate['state'] =>
  status === 'active' || status === 'pending' ? status : 'suspended'

export function createOrganizationLogin ({ db }: Pick<OrganizationsDeps, 'db'>): OrganizationLogin {
  return {
    find: async (uscc) => await organizationByUscc(db, uscc),
    async candidates (organizationId, role) {
      if (role === 'legal_representative') {
        const organization = await organizationById(db, organizationId)
        if (organization?.legalRepresentativeId == null) return []
        return [
          {
            personId: organization.legalRepresentativeId,
            role,
            delegationId: null,
            state: ofLegalRepresentative(organization.status)
          }
        ]
      }
      return (await agents(db, organizationId)).map(({ agentId, id, state, over }) => ({
        personId: agentId,
        role,
        delegationId: id,
        state: resolveState(state, over)
      }))
    },
    trustedBrowser: async (organizationId, personId, browserHash) =>
      await isTrustedBrowser(db, { organizationId, personId, browserHash }),
    trustBrowser
  }
}
