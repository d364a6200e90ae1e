/** kora delegation: what agents may do for organizations; revoking as staff, which notifies both people. */
import { actOnDelegation, organizationDetail } from '../journeys/support/index.ts'
import type { DelegationState } from '../domain/representation/delegation.ts'
import type { DelegationView } from '../records/organizations/index.ts'
import type { OperatorServices } from '../services.ts'
import { readArguments } from './arguments.ts'
import { readAct, actOptions, actUsage } from './operator.ts'
import { printLine } from './print.ts'

const usage = `kora delegation list [--uscc code] [--state active] [--limit 100] [--json]
       kora delegation show <id> [--json]
       kora delegation revoke <id> ${actUsage} [--json]

Names and numbers are masked. Revoking ends every token and session of that delegation at once.

  kora delegation list --uscc 91540102MA6T1A2BXK --state active
  kora delegation revoke dlg_… --reason "court order 2026-17"`

type Services = Pick<OperatorServices, 'db' | 'crypto' | 'audit' | 'clock' | 'log'>

export const command = {
  summary: 'delegations (代理授权): list, show, revoke',
  usage,
  async run (args: string[], deps: Services, print: (line: string) => void = printLine): Promise<number> {
    const wrong = (problem: string): number => {
      console.error(`${problem}\nUsage: ${usage}`)
      return 2
    }
    let parsed
    try {
      parsed = readArguments(args, {
        options: {
          json: { type: 'boolean' },
          uscc: { type: 'string' },
          state: { type: 'string' },
          limit: { type: 'string' },
          ...actOptions
        },
        actions: { show: 1, revoke: 1 }
      })
    } catch (error) {
      return wrong((error as Error).message)
    }
    const {
      values,
      positionals: [action = 'list', id, ...more]
    } = parsed
    const json = values.json === true
    if (more.length > 0) return wrong(`Too many arguments: ${more.join(' ')}`)
    if (action === 'list') return await list(deps, { values, json, print })
    if (id === undefined) return wrong('Which delegation?')
    if (action === 'show') {
      const found = await detail(deps, id)
      if (found.length === 0) {
        print(json ? JSON.stringify({ error: 'not_found' }) : 'There is no such delegation.')
        return 1
      }
      print(
        json
          ? JSON.stringify({ id, versions: found.map(wire) })
          : found
            .map((view) =>
              Object.entries(wire(view))
                .map(
                  ([name, value]) =>
                      `${name.padEnd(14)} ${Array.isArray(value) ? value.join(' ') : String(value ?? '—')}`
                )
                .join('\n')
            )
            .join('\n\n')
      )
      return 0
    }
    if (action !== 'revoke') return wrong(`Unknown: ${action}`)
    const act = readAct(values)
    if (act === null) return wrong('--reason is missing: it goes into the audit trail, and both people are told.')
    const outcome = await actOnDelegation(deps, { act, id, what: 'revoke' })
    const texts: Record<string, string> = {
      done: `${id} is revoked.`,
      unchanged: 'It is not in force: nothing was changed.',
      unknown: 'There is no such delegation.'
    }
    print(
      json ? JSON.stringify(outcome === 'done' ? { revoked: id } : { error: outcome }) : (texts[outcome] ?? outcome)
    )
    return outcome === 'done' ? 0 : 1
  }
}

async function list (
  { db }: Services,
  {
    values,
    json,
    print
  }: { values: { uscc?: string; state?: string; limit?: string }; json: boolean; print: (line: string) => void }
): Promise<number> {
  const rows = await db
    .selectFrom('delegation as d')
    .innerJoin('organization as o', 'o.id', 'd.organizationId')
    .select([
      'd.id',
      'd.version',
      'd.state',
      'o.uscc',
      'o.name',
      'd.functions',
      'd.clientIds',
      'd.validFrom',
      'd.validTo'
    ])
    .$if(values.uscc !== undefined, (query) => query.where('o.uscc', '=', values.uscc?.toUpperCase() ?? ''))
    .$if(values.state !== undefined, (query) => query.where('d.state', '=', (values.state ?? '') as DelegationState))
    .orderBy('o.uscc')
    .orderBy('d.id')
    .orderBy('d.version')
    .limit(Math.min(Number(values.limit ?? 100) || 100, 10_000))
    .execute()
  print(
    json
      ? JSON.stringify({
        delegations: rows.map((row) => ({
          id: row.id,
          version: row.version,
          state: row.state,
          uscc: row.uscc,
          organization: row.name,
          functions: row.functions,
          client_ids: row.clientIds,
          valid_from: row.validFrom,
          valid_to: row.validTo
        }))
      })
      : rows
        .map(
          (row) =>
              `${row.id}  v${row.version}  ${row.state.padEnd(10)} ${row.uscc}  ${row.validFrom}…${row.validTo}  ${row.name}`
        )
        .join('\n') || 'none'
  )
  return 0
}

async function detail (deps: Services, id: string): Promise<DelegationView[]> {
  const row = await deps.db.selectFrom('delegation').select('organizationId').where('id', '=', id).executeTakeFirst()
  return row === undefined
    ? []
    : ((await organizationDetail(deps, row.organizationId))?.delegations.filter((view) => view.id === id) ?? [])
}

const wire = (view: DelegationView): Record<string, unknown> => ({
  id: view.id,
  version: view.version,
  state: view.state,
  uscc: view.uscc,
  organization: view.organizationName,
  agent: view.agent.maskedName,
  agent_number: view.agent.maskedCertNo,
  functions: view.functions,
  client_ids: view.clientIds,
  valid_from: view.validFrom,
  valid_to: view.validTo,
  created_at: view.createdAt.toISOString(),
  decided_at: view.decidedAt?.toISOString() ?? null,
  ended_at: view.endedAt?.toISOString() ?? null,
  reason: view.reason
})
