/** What the addresses tab shows beside its form: the tester's result and recently failed requests. */
import { selectUriRules } from '../../../domain/client/metadata.ts'
import type { ClientRecord } from '../../../domain/client/record.ts'
import { uriFault } from '../../../domain/client/uri.ts'
import { clientFailures, clientRules } from '../../../records/clients/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { ClientEditPage } from './edit.ts'
import { mayChange, buildPath } from './layout.ts'

export interface FailureRow {
  code: string
  address: string
  count: number
  lastAt: string
  addHref: string | null
  dismissHref: string
}

export interface TesterResult {
  address: string
  matches: boolean
  otherClient: string | null
  nearest: string | null
  differences: Array<{ text: string; received: string; registered: string }>
  fault: string | null
  addHref: string | null
}

export const lists = { redirect_uri: 'redirect_uris', post_logout_redirect_uri: 'post_logout_redirect_uris' } as const
export type Parameter = keyof typeof lists
export const isParameter = (code: string): code is Parameter => Object.hasOwn(lists, code)

export const addHref = (clientId: string, code: Parameter, address: string): string =>
  `${buildPath(clientId, 'addresses/add')}?${new URLSearchParams({ code, address }).toString()}`

export async function addressPart (
  console: Console,
  c: ConsoleRequest,
  { client, tester }: { client: ClientRecord; tester?: { pasted: string; result: TesterResult | null } | undefined }
): Promise<NonNullable<ClientEditPage['addresses']>> {
  const rules = selectUriRules(clientRules(console.deps.config), client.kind)
  const failures = await clientFailures(console.deps.db, client.clientId)
  const addable = (code: string, address: string): boolean =>
    mayChange(c, client) &&
    isParameter(code) &&
    address !== '' &&
    !(client.metadata[lists[code]] ?? []).includes(address) &&
    uriFault(address, code === 'redirect_uri' ? 'redirect' : 'post_logout', rules) === null
  return {
    pasted: tester?.pasted ?? '',
    result: tester?.result ?? null,
    failures: failures.map(({ code, address, count, lastAt }) => ({
      code,
      address,
      count,
      lastAt: lastAt.toISOString(),
      addHref: isParameter(code) && addable(code, address) ? addHref(client.clientId, code, address) : null,
      dismissHref: mayChange(c, client)
        ? `${buildPath(client.clientId, 'addresses/dismiss')}?${new URLSearchParams({ code, address }).toString()}`
        : ''
    }))
  }
}
