/**
 * kora apply: makes clients as a file declares them. Everything is checked first; one faulty entry means that nothing
 * is changed.
 */
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { inTransaction } from '../database/transaction.ts'
import {
  applyClients,
  planClients,
  readClientDocument,
  type DocumentFault,
  type AskApproval,
  type PlanLine,
  type RegistryServices
} from '../records/clients/index.ts'
import {
  applyResourceServers,
  planResourceServers,
  type ResourceServerPlanLine
} from '../records/resource-servers/index.ts'
import { exitWaiting, readApproval, recordUnapproved, waitingText } from './approval.ts'
import { readArguments, WrongUse } from './arguments.ts'
import { faultLine, dualControlWords } from './fault-text.ts'
import { readAct, actOptions, actUsage, emergencyOptions, emergencyUsage } from './operator.ts'
import { printLine } from './print.ts'

const usage = `kora apply -f clients.yaml [--prune] ${actUsage}
              ${emergencyUsage} [--json]
       kora apply -f clients.yaml --diff [--prune] [--json]     shows what would change, and changes nothing

The file has clients, APIs (resource_servers), or both. --prune ends clients that it does not name: drafts are deleted,
the others disabled; APIs that it does not name stay. "-f -" reads standard input.
What one person may not decide alone (a client without consent page, other addresses of a live client …) is marked "!".
It waits for a security administrator in the console and takes effect there.
Exit codes: 0 applied, or nothing to do; 1 refused, nothing was changed; 2 wrong use; 3 --diff found differences;
4 applied, but for what waits for an approval.

  kora resource-server export > clients.yaml; kora client export >> clients.yaml
  kora apply -f clients.yaml --diff
  kora apply -f clients.yaml --reason "release 12"`

export const command = {
  summary: 'declared clients: make the registry what a file says',
  usage,
  async run (args: string[], deps: RegistryServices, print: (line: string) => void = printLine): Promise<number> {
    const wrong = (problem: string): number => {
      console.error(`${problem}\nUsage: ${usage}`)
      return 2
    }
    let values
    try {
      ;({ values } = readArguments(args, {
        options: {
          file: { type: 'string', short: 'f' },
          diff: { type: 'boolean' },
          prune: { type: 'boolean' },
          json: { type: 'boolean' },
          ...actOptions,
          ...emergencyOptions
        }
      }))
    } catch (error) {
      return wrong((error as Error).message)
    }
    const { file, diff = false, prune = false, json = false } = values
    if (file === undefined) return wrong('-f is missing.')
    const act = readAct(values)
    if (act === null && !diff) return wrong('--reason is missing: it goes into the audit trail.')
    let text
    try {
      text = file === '-' ? await textOf(process.stdin) : await readFile(file, 'utf8')
    } catch (error) {
      return wrong((error as Error).message)
    }
    const refuse = (faults: ReadonlyArray<Parameters<typeof faultLine>[0]>): number => {
      print(
        json
          ? JSON.stringify({ error: 'invalid', faults })
          : [...faults.map(faultLine), 'Nothing was changed.'].join('\n')
      )
      return 1
    }
    const document = readClientDocument(text)
    if (!document.ok) return refuse(document.faults)
    const { servers } = document
    if (prune && document.wanted === null) return wrong('--prune: the file has no clients.')
    const wanted = document.wanted ?? []
    if (diff || act === null) {
      const apis = await planResourceServers(deps.db, deps.config, servers)
      if (!apis.ok) return refuse(document.lined(apis.faults, 'resource_servers'))
      const { declared } = apis
      const planned = await planClients(deps.db, deps.config, { wanted, prune, declared })
      if (!planned.ok) return refuse(document.lined(planned.faults))
      const different = [...apis.lines, ...planned.lines].filter(({ action }) => action !== 'none')
      print(
        json
          ? JSON.stringify({ differences: different.map(withFormerName) })
          : different.length === 0
            ? 'No differences.'
            : different.map(planText).join('\n')
      )
      return different.length === 0 ? 0 : 3
    }
    let ask: AskApproval | null
    try {
      ask = await readApproval(deps, values, act)
    } catch (error) {
      if (error instanceof WrongUse) return wrong(error.message)
      throw error
    }
    const applied = await inTransaction<Applied>(deps.db, async (trx, rollback) => {
      const apis = await applyResourceServers(trx, deps, { act, wanted: servers, ask })
      if (!apis.ok) throw rollback({ ok: false, faults: document.lined(apis.faults, 'resource_servers') })
      const clients = await applyClients(trx, deps, { act, wanted, prune, ask })
      if (!clients.ok) throw rollback({ ok: false, faults: document.lined(clients.faults) })
      const lines = [...apis.lines, ...clients.lines]
      for (const line of ask === null ? lines.filter(({ reasons }) => reasons.length > 0) : []) {
        const subject = 'clientId' in line ? line.clientId : line.identifier
        await recordUnapproved(trx, deps, { subject, reasons: line.reasons, act })
      }
      return { ok: true, lines, secrets: clients.secrets, waiting: [...apis.waiting, ...clients.waiting] }
    })
    if (!applied.ok) return refuse(applied.faults)
    const done = applied.lines.filter(({ action }) => action !== 'none')
    print(
      json
        ? JSON.stringify({
          applied: done.map(withFormerName),
          unchanged: applied.lines.length - done.length,
          secrets: applied.secrets.map(({ clientId, secret }) => ({ client_id: clientId, client_secret: secret })),
          waiting: applied.waiting
        })
        : [
            ...done.map(planText),
            ...applied.secrets.map(({ clientId, secret }) => `${clientId}: client_secret ${secret}   shown once`),
            ...(applied.waiting.length > 0 ? [waitingText(deps.config.issuer, applied.waiting)] : []),
          `${done.length} changed, ${applied.lines.length - done.length} unchanged, ${applied.waiting.length} waiting.`
          ].join('\n')
    )
    return applied.waiting.length > 0 ? exitWaiting : 0
  }
}

type AnyPlanLine = PlanLine | ResourceServerPlanLine
type Applied =
  | { ok: true; lines: AnyPlanLine[]; secrets: Array<{ clientId: string; secret: string }>; waiting: string[] }
  | { ok: false; faults: DocumentFault[] }

/** `second`: the former name of `reasons`, for one version. */
const withFormerName = (line: AnyPlanLine): AnyPlanLine & { second: readonly string[] } => ({
  ...line,
  second: line.reasons
})

const signs: Record<PlanLine['action'], string> = { create: '+', change: '~', disable: '-', delete: '-', none: ' ' }

/** Lists are compared entry by entry, because one new address among twenty should be one line. */
function planText (line: AnyPlanLine): string {
  const { name, action, diff } = line
  const id = 'clientId' in line ? line.clientId : line.identifier
  const reasons: ReadonlyArray<keyof typeof dualControlWords> = line.reasons
  const lines = diff.flatMap(({ field, before, after }) => {
    const [had, has] = [Array.isArray(before) ? before : [before], Array.isArray(after) ? after : [after]].map(
      (list) => list.filter((value) => value !== undefined).map((value) => JSON.stringify(value))
    )
    const [gone, come] = [
      had?.filter((value) => has?.includes(value) !== true) ?? [],
      has?.filter((value) => had?.includes(value) !== true) ?? []
    ]
    // the same entries in another order
    if (gone.length + come.length === 0) return [`    ${field}: order`]
    return [...gone.map((value) => `  - ${field}: ${value}`), ...come.map((value) => `  + ${field}: ${value}`)]
  })
  return [
    `${signs[action]} ${id} (${name}): ${action}`,
    ...reasons.map((reason) => `  ! ${dualControlWords[reason]}`),
    ...(action === 'create' ? lines.filter((line) => line.startsWith('  +')) : lines)
  ].join('\n')
}
