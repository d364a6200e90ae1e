/** Delegations as pages show them. */
import { translator, type Translate } from '../../http/locale.ts'
import { maskUscc } from '../../domain/identity/masking.ts'
import { shanghaiDate } from '../../ports/clock.ts'
import type { DelegationContent, DelegationState } from '../../domain/representation/delegation.ts'
import type { DelegationView } from '../../records/organizations/index.ts'
import { loadCatalogue, type Catalogue } from './catalogue.ts'
import type { Centre } from './me.ts'

/** One delegation in a list. */
export interface DelegationRow {
  id: string
  version: number
  state: DelegationState
  name: string
  certNo: string
  phone: string | null
  organization: string
  functions: string[]
  sites: string[]
  validFrom: string
  validTo: string
  /** Last day within a month. */
  expiring: boolean
  /** In the person's language, where it is one of ours; else as it was written. */
  reason: string | null
  /** ISO 8601: when it was submitted, decided or ended; the last of these. */
  changedAt: string
}

/** What is approved, exactly. */
export interface ContentLines {
  organization: string
  agent: string
  functions: string[]
  sites: string[]
  validFrom: string
  validTo: string
  /** First characters of the digest, in groups. */
  mark: string
}

// what is approved reads the same on both screens, in every combination of languages
const zh = translator('zh-CN')

export const loadFunctionCatalogue = async ({ deps }: Centre): Promise<Catalogue> =>
  await loadCatalogue(deps.db, { sites: zh('user-center.all.sites'), functions: zh('user-center.all.functions') })

const month = 30 * 86_400_000

export function toRow (
  { deps }: Centre,
  { catalogue, t, view }: { catalogue: Catalogue; t: Translate; view: DelegationView }
): DelegationRow {
  const { id, version, state, agent, clientIds, functions, validFrom, validTo } = view
  return {
    id,
    version,
    state,
    name: agent.maskedName,
    certNo: agent.maskedCertNo,
    phone: agent.maskedPhone,
    organization: view.organizationName,
    functions: catalogue.functions(functions, clientIds),
    sites: catalogue.sites(clientIds),
    validFrom,
    validTo,
    expiring: state === 'active' && validTo < shanghaiDate(deps.clock.now() + month),
    reason: reasonWords(t, view.reason),
    changedAt: (view.endedAt ?? view.decidedAt ?? view.submittedAt ?? view.createdAt).toISOString()
  }
}

/** A reason is a code of ours, words of a person, or `code: words`. */
export function reasonWords (t: Translate, reason: string | null): string | null {
  if (reason === null || reason === '') return null
  const [, code, words] = /^([a-z_]+)(?:: ([\s\S]*))?$/.exec(reason) ?? []
  const named =
    code === undefined ? '' : t.code([`user-center.reason.${code}`], 'user-center.reason.given', { text: code })
  return code === undefined ? reason : words === undefined ? named : `${named}：${words}`
}

export function contentLines (catalogue: Catalogue, content: DelegationContent, digest: string): ContentLines {
  const { organization, agent, functions, clientIds, validFrom, validTo } = content
  return {
    organization: `${organization.name}（${maskUscc(organization.uscc)}）`,
    agent: `${agent.maskedName} ${agent.maskedCertNo}`,
    functions: catalogue.functions(functions, clientIds),
    sites: catalogue.sites(clientIds),
    validFrom,
    validTo,
    mark: digest.slice(0, 12).replace(/(.{4})(?=.)/g, '$1 ')
  }
}

/** The same for the phone, as the `subject` of the scan ticket: members are labels `subject.<name>`. */
export const ticketSubject = ({ validFrom, validTo, mark, ...lines }: ContentLines): Record<string, unknown> => ({
  ...lines,
  valid_from: validFrom,
  valid_to: validTo,
  digest: mark
})
