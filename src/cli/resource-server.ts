/** kora resource-server: APIs from the command line, by the same functions and the same validation as the console. */
import type { ParseArgsConfig } from 'node:util'
import { inTransaction, write } from '../database/transaction.ts'
import {
  resourceServerStatuses,
  type LocalTexts,
  type ResourceServerRecord,
  type ResourceServerStatus
} from '../domain/resource-server/record.ts'
import { writeResourceServerDocument } from '../records/clients/index.ts'
import {
  changeResourceServer,
  pickContent,
  createResourceServer,
  deleteResourceServer,
  findResourceServer,
  listGrantedClients,
  listIntrospectors,
  listResourceServerChanges,
  listResourceServers,
  resourceServerChangeKind,
  setResourceServerStatus,
  type ResourceServerChanged,
  type ResourceServerRequest,
  type ResourceServersDeps
} from '../records/resource-servers/index.ts'
import { readJsonFile, refuseMore, requireAct, runAction, type Call } from './actions.ts'
import { validateResourceServer } from '../domain/resource-server/validation.ts'
import { exitWaiting, readApproval, recordUnapproved, waitingText } from './approval.ts'
import { WrongUse } from './arguments.ts'
import { faultLine, dualControlWords } from './fault-text.ts'
import { actOptions, actUsage, emergencyOptions, emergencyUsage } from './operator.ts'
import { printLine } from './print.ts'

const usage = `kora resource-server list [--text t] [--status active|disabled] [--json]
       kora resource-server show <identifier> [--json]          with the clients that use it
       kora resource-server create <identifier> --name <name> --scope <scope>=<text>… [--name-bo n] [--name-en n]
              [--token-format opaque|jwt] [--signing-alg ES256|RS256] [--ttl <seconds>] [--minimum-level 1-4|none]
              [--introspector <client_id>]… ${actUsage} [--json]
       kora resource-server change <identifier> [the same options] [--remove-scope <scope>]…
              ${actUsage} ${emergencyUsage} [--json]
       kora resource-server create|change <identifier> --from <file.json> …    the content as a whole
       kora resource-server disable|enable|delete <identifier> ${actUsage} [--json]
       kora resource-server export [<identifier>…]              YAML for kora apply, to standard output

A scope's text is what people read before they agree: Chinese, then "|" and Tibetan, then "|" and English.
Which client may ask for its tokens stands at the client: policy.resources (kora apply, console).

  kora resource-server create https://api.example.gov.cn/fund --name 公积金接口 --scope "fund:read=查询您的公积金账户" --introspector fund-api --reason "ticket 4711"`

const options = {
  json: { type: 'boolean' },
  text: { type: 'string' },
  status: { type: 'string' },
  name: { type: 'string' },
  'name-bo': { type: 'string' },
  'name-en': { type: 'string' },
  scope: { type: 'string', multiple: true },
  'remove-scope': { type: 'string', multiple: true },
  'token-format': { type: 'string' },
  'signing-alg': { type: 'string' },
  ttl: { type: 'string' },
  'minimum-level': { type: 'string' },
  introspector: { type: 'string', multiple: true },
  from: { type: 'string' },
  ...actOptions,
  ...emergencyOptions
} as const satisfies ParseArgsConfig['options']

type CommandCall = Call<ResourceServersDeps, typeof options>

export const command = {
  summary: 'APIs (resource servers): list, show, create, change, disable, enable, delete, export',
  usage,
  run: async (args: string[], deps: ResourceServersDeps, print: CommandCall['print'] = printLine): Promise<number> =>
    await runAction({ usage, grammar, actions }, args, { deps, print })
}

const grammar = {
  options,
  actions: {},
  identifiers: ['text']
} as const

const actions: Record<string, (call: CommandCall) => Promise<number>> = {
  async list ({ deps, values, ids, answer }) {
    refuseMore(ids)
    const { text = '', status = '' } = values
    if (status !== '' && !resourceServerStatuses.includes(status as ResourceServerStatus)) {
      throw new WrongUse(`--status is ${resourceServerStatuses.join(' or ')}`)
    }
    const rows = await listResourceServers(deps.db, { text, status, limit: 10_000 })
    return answer(
      { resource_servers: rows.map(({ clients, ...row }) => ({ ...shown(row), clients })) },
      rows
        .map(
          ({ identifier, status, tokenFormat, ttlSeconds, minimumLevel, clients, names, scopes }) =>
            `${identifier.padEnd(40)} ${status.padEnd(8)} ${tokenFormat.padEnd(6)} ${String(ttlSeconds).padStart(4)} s  level ${minimumLevel ?? '-'}  ${clients} clients  ${names['zh-CN']}  ${Object.keys(scopes).join(' ')}`
        )
        .join('\n') || 'none'
    )
  },

  async show ({ deps, ids, answer }) {
    const server = await known(deps, ids)
    const { identifier } = server
    const clients = await listGrantedClients(deps.db, identifier)
    const introspectors = await listIntrospectors(deps.db, identifier)
    const changes = await listResourceServerChanges(deps.db, identifier, { after: null, limit: 10 })
    return answer(
      {
        ...shown(server),
        introspectors,
        clients: clients.map(({ clientId, ...granted }) => ({ client_id: clientId, ...granted })),
        changes: changes.map(({ at, act, actor, reason, version }) => ({ at, act, actor, reason, version }))
      },
      [
        writeResourceServerDocument([server]).trimEnd(),
        '',
        ...clients.map(
          ({ clientId, scopes, machineScopes }) =>
            `${clientId}  for people: ${scopes.join(' ') || '-'}  in its own name: ${machineScopes.join(' ') || '-'}`
        ),
        ...introspectors.map((clientId) => `${clientId}  introspects`),
        ...changes.map(({ at, act, actor, reason }) => `${at.toISOString()}  ${act.padEnd(8)} ${actor}  ${reason}`)
      ].join('\n')
    )
  },

  async create ({ deps, values, ids, print, answer }) {
    const identifier = one(ids)
    const made = await write(deps, createResourceServer, {
      act: requireAct(values),
      identifier,
      content: values.from === undefined ? contentIn(values, {}) : await readJsonFile(values.from),
      ...(values.introspector === undefined ? {} : { introspectors: values.introspector })
    })
    if (made.outcome === 'created') {
      return answer({ ...shown(made.server) }, `${identifier} is registered. No client may ask for its tokens yet.`)
    }
    const faults = made.outcome === 'invalid' ? made.faults : []
    print(
      values.json === true
        ? JSON.stringify({ error: made.outcome, faults })
        : made.outcome === 'taken'
          ? `There is an API ${identifier} already.`
          : faults.map(faultLine).join('\n')
    )
    return 1
  },

  async change (call) {
    const { deps, values, ids } = call
    const act = requireAct(values)
    const ask = await readApproval(deps, values, act)
    const server = await known(deps, ids)
    const input = {
      identifier: server.identifier,
      version: server.version,
      content: values.from === undefined ? contentIn(values, pickContent(server)) : await readJsonFile(values.from),
      ...(values.introspector === undefined ? {} : { introspectors: values.introspector })
    }
    const { identifier } = server
    const { changed, waiting } = await inTransaction(deps.db, async (trx) => {
      const changed = await changeResourceServer(trx, deps, { act, ...input })
      if (changed.outcome !== 'approval_needed') return { changed, waiting: [] }
      if (ask === null) {
        await recordUnapproved(trx, deps, { subject: identifier, reasons: changed.reasons, act })
        return { changed: await changeResourceServer(trx, deps, { act, ...input, approved: true }), waiting: [] }
      }
      const checked = validateResourceServer(input.content)
      if (!checked.ok) throw new Error('content was valid a moment ago')
      const payload: ResourceServerRequest = { ...input, content: checked.content }
      return {
        changed,
        waiting: [await ask(trx, { kind: resourceServerChangeKind, payload, subject: identifier, act })]
      }
    })
    if (changed.outcome === 'approval_needed') {
      call.answer(
        { identifier, waiting, reasons: changed.reasons },
        [
          ...changed.reasons.map((reason) => `! ${dualControlWords[reason]}`),
          waitingText(deps.config.issuer, waiting)
        ].join('\n')
      )
      return exitWaiting
    }
    return answerChanged(call, changed)
  },

  disable: async (call) => await move(call, 'disabled'),
  enable: async (call) => await move(call, 'active'),

  async delete ({ deps, values, ids, print, answer }) {
    const act = requireAct(values)
    const { identifier } = await known(deps, ids)
    const deleted = await write(deps, deleteResourceServer, { act, identifier })
    if (deleted.outcome === 'deleted') return answer({ identifier, deleted: true }, `${identifier} is deleted.`)
    const clients = deleted.outcome === 'in_use' ? deleted.clients : []
    print(
      values.json === true
        ? JSON.stringify({ error: deleted.outcome, clients })
        : `Refused: ${deleted.outcome}${clients.length === 0 ? '' : `: ${clients.join(' ')}`}`
    )
    return 1
  },

  async export ({ deps, ids, print }) {
    const all: ResourceServerRecord[] = await listResourceServers(deps.db, { limit: 10_000 })
    const missing = ids.filter((id) => !all.some(({ identifier }) => identifier === id))
    if (missing.length > 0) {
      console.error(`There is no API ${missing.join(', ')}.`)
      return 1
    }
    const wanted = ids.length === 0 ? all : all.filter(({ identifier }) => ids.includes(identifier))
    print(writeResourceServerDocument(wanted).trimEnd())
    return 0
  }
}

function answerChanged ({ values, print, answer }: CommandCall, changed: ResourceServerChanged): number {
  if (changed.outcome === 'changed' || changed.outcome === 'unchanged') {
    const { identifier, version } = changed.server
    return answer({ identifier, outcome: changed.outcome, version }, `${identifier}: ${changed.outcome}.`)
  }
  const faults = changed.outcome === 'invalid' ? changed.faults : []
  print(
    values.json === true
      ? JSON.stringify({ error: changed.outcome, faults })
      : faults.map(faultLine).join('\n') || `Refused: ${changed.outcome}`
  )
  return 1
}

async function move ({ deps, values, ids, print, answer }: CommandCall, status: ResourceServerStatus): Promise<number> {
  const act = requireAct(values)
  const { identifier, version } = await known(deps, ids)
  const moved = await write(deps, setResourceServerStatus, { act, identifier, version, status })
  if (moved.outcome === 'changed' || moved.outcome === 'unchanged') {
    return answer({ identifier, status, version: moved.server.version }, `${identifier} is ${status}.`)
  }
  print(values.json === true ? JSON.stringify({ error: moved.outcome }) : `Refused: ${moved.outcome}`)
  return 1
}

const shown = (server: ResourceServerRecord): Record<string, unknown> => ({
  identifier: server.identifier,
  status: server.status,
  version: server.version,
  ...pickContent(server)
})

function one (ids: string[]): string {
  if (ids.length !== 1 || ids[0] === undefined) throw new WrongUse('Which identifier?')
  return ids[0]
}

async function known (deps: ResourceServersDeps, ids: string[]): Promise<ResourceServerRecord> {
  const server = await findResourceServer(deps.db, one(ids))
  if (server === null) throw new WrongUse(`There is no API ${ids[0] ?? ''}.`)
  return server
}

interface Given {
  names?: LocalTexts
  scopes?: Record<string, LocalTexts>
}

/** What is there, with what the options say. */
function contentIn (values: CommandCall['values'], given: Given): object {
  const names = {
    ...given.names,
    ...(values.name === undefined ? {} : { 'zh-CN': values.name }),
    ...(values['name-bo'] === undefined ? {} : { bo: values['name-bo'] }),
    ...(values['name-en'] === undefined ? {} : { en: values['name-en'] })
  }
  const added = (values.scope ?? []).map((text): [string, LocalTexts] => {
    const at = text.indexOf('=')
    if (at < 1) throw new WrongUse(`--scope ${text}: a text is missing, <scope>=<text>`)
    const [zh = '', bo = '', en = ''] = text
      .slice(at + 1)
      .split('|')
      .map((part) => part.trim())
    const texts = { 'zh-CN': zh, ...(bo === '' ? {} : { bo }), ...(en === '' ? {} : { en }) }
    return [text.slice(0, at), texts]
  })
  const removed = values['remove-scope'] ?? []
  const scopes = Object.entries({ ...given.scopes, ...Object.fromEntries(added) }).filter(
    ([scope]) => !removed.includes(scope)
  )
  const level = values['minimum-level']
  return {
    ...given,
    names,
    scopes: Object.fromEntries(scopes),
    ...(values['token-format'] === undefined ? {} : { tokenFormat: values['token-format'] }),
    ...(values['signing-alg'] === undefined ? {} : { signingAlg: values['signing-alg'] }),
    ...(values.ttl === undefined ? {} : { ttlSeconds: numberIn('--ttl', values.ttl) }),
    ...(level === undefined ? {} : { minimumLevel: level === 'none' ? null : numberIn('--minimum-level', level) })
  }
}

function numberIn (option: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new WrongUse(`${option} is a number`)
  return Number(text)
}
