/**
 * The sites and functions that an organization may allow to an agent: the catalogues that relying sites publish, with
 * their names.
 */
import type { Kysely } from 'kysely'
import type { Database } from '../../database/schema.ts'
import { clientName, clientPolicy } from '../../domain/client/policy.ts'
import { userCentreClientId } from './site.ts'

export interface SiteChoice {
  clientId: string
  name: string
  functions: Array<{ code: string; name: string }>
}

export interface Catalogue {
  /** Sites that accept agents now. */
  choices: SiteChoice[]
  /** Names of the sites and functions of a delegation; null = 全部. If there is no name any more, the code is shown. */
  sites(clientIds: string[] | null): string[]
  functions(codes: string[] | null, clientIds: string[] | null): string[]
}

/**
 * Names are in Chinese in every language: they are what is approved, and must not differ between two screens.
 * @param all words for "all sites" and "all functions"
 */
export async function loadCatalogue (
  db: Kysely<Database>,
  all: { sites: string; functions: string }
): Promise<Catalogue> {
  const rows = await db.selectFrom('client').select(['clientId', 'status', 'policy']).orderBy('clientId').execute()
  const clients = rows.map(({ clientId, status, policy: stored }) => {
    const policy = clientPolicy(stored)
    return { clientId, status, policy, name: clientName(policy, 'zh-CN').text || clientId }
  })
  const accepts = ({ clientId, status, policy }: (typeof clients)[number]): boolean =>
    clientId !== userCentreClientId &&
    (status === 'live' || status === 'test') &&
    policy.subjectKinds.includes('organization') &&
    policy.roles.includes('agent')
  return {
    choices: clients
      .filter(accepts)
      .map(({ clientId, name, policy }) => ({ clientId, name, functions: policy.functions })),
    sites: (clientIds) =>
      clientIds === null
        ? [all.sites]
        : clientIds.map((id) => clients.find(({ clientId }) => clientId === id)?.name ?? id),
    functions (codes, clientIds) {
      if (codes === null) return [all.functions]
      const published = clients
        .filter(({ clientId }) => clientIds === null || clientIds.includes(clientId))
        .flatMap(({ policy }) => policy.functions)
      return codes.map((code) => published.find((item) => item.code === code)?.name ?? code)
    }
  }
}
