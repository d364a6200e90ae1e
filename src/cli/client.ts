/** kora client: relying sites from the command line, by the same functions and the same validation as the console. */
import type { ParseArgsConfig } from 'node:util'
import { inTransaction } from '../database/transaction.ts'
import { dualControlReasons, withoutPowers } from '../domain/administration/dual-control.ts'
import { validateClient } from '../domain/client/metadata.ts'
import type { ClientRecord, ClientStatus } from '../domain/client/record.ts'
import {
  clientChangeKind,
  clientChangeRequest,
  clientRules,
  clientSecretKind,
  clientStatusKind,
  type ClientStatusRequest,
  type Created,
  type NewClient,
  clientHistory,
  createClient,
  findClient,
  findClients,
  listClients,
  listSecrets,
  rotateSecret,
  setClientStatus,
  writeClientDocument,
  type RegistryServices
} from '../records/clients/index.ts'
import { readJsonFile, refuseMore, requireAct, runAction, type Call } from './actions.ts'
import { exitWaiting, readApproval, recordUnapproved, waitingText } from './approval.ts'
import { WrongUse } from './arguments.ts'
import { dualControlWords, faultLine } from './fault-text.ts'
import { actOptions, actUsage, emergencyOptions, emergencyUsage } from './operator.ts'
import { printLine } from './print.ts'

const usage = `kora client list [--text t] [--status s] [--kind k] [--type public|confidential] [--grant g] [--scope s] [--host h] [--unit u] [--unused-days n] [--json]
       kora client show <client_id> [--json]
       kora client create --name <name> --kind server|spa|native|device|machine|resource [--redirect <uri>]… [--post-logout <uri>]…
              [--scope "openid profile"] [--purpose profile=<why>]… [--unit u] [--id client_id] [--status draft|test|live]
              [--jwks <public-keys.json>] [--admin-scopes "kora.clients:read …"] ${actUsage}
              ${emergencyUsage} [--json]
       kora client create --from <file.json> …       {"kind", "metadata", "policy"} as a whole
       kora client rotate-secret <client_id> [--grace-days 7] ${actUsage} ${emergencyUsage} [--json]
       kora client disable|enable <client_id> ${actUsage} ${emergencyUsage} [--json]
       kora client export [<client_id>…]             YAML for kora apply, to standard output

What one person may not decide alone waits for a security administrator in the console and takes effect there; exit
code 4.

  kora client create --name 公积金查询 --kind server --redirect https://gjj.example.gov.cn/callback --scope "openid profile" --purpose profile=显示姓名 --reason "ticket 4711"
  kora client rotate-secret site-0f3a --reason "yearly"
  kora client export > clients.yaml`

const options = {
  json: { type: 'boolean' },
  text: { type: 'string' },
  status: { type: 'string' },
  kind: { type: 'string' },
  type: { type: 'string' },
  grant: { type: 'string' },
  scope: { type: 'string' },
  host: { type: 'string' },
  unit: { type: 'string' },
  'unused-days': { type: 'string' },
  name: { type: 'string' },
  id: { type: 'string' },
  from: { type: 'string' },
  redirect: { type: 'string', multiple: true },
  'post-logout': { type: 'string', multiple: true },
  purpose: { type: 'string', multiple: true },
  jwks: { type: 'string' },
  'admin-scopes': { type: 'string' },
  'grace-days': { type: 'string' },
  ...actOptions,
  ...emergencyOptions
} as const satisfies ParseArgsConfig['options']

type CommandCall = Call<RegistryServices, typeof options>

export const command = {
  summary: 'clients (relying sites): list, show, create, rotate-secret, disable, enable, export',
  usage,
  run: async (args: string[], deps: RegistryServices, print: CommandCall['print'] = printLine): Promise<number> =>
    await runAction({ usage, grammar, actions }, args, { deps, print })
}

const grammar = {
  options,
  actions: { show: 1, 'rotate-secret': 1, disable: 1, enable: 1, export: Infinity },
  identifiers: ['id', 'text']
} as const

const actions: Record<string, (call: CommandCall) => Promise<number>> = {
  async list ({ deps, values, ids, answer }) {
    refuseMore(ids)
    const { text, status, kind, type, grant, scope, host, unit } = values
    const filters = { text, status, kind, type, grant, scope, host, unit, unusedDays: values['unused-days'] }
    const lines = await listClients(deps.db, {
      filters: Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)),
      after: null,
      limit: 10_000
    })
    return answer(
      {
        clients: lines.map((line) => ({
          client_id: line.clientId,
          name: line.name,
          kind: line.kind,
          status: line.status,
          unit: line.unit,
          hosts: line.hosts,
          last_used_at: line.lastUsedAt,
          errors: line.errors
        }))
      },
      lines
        .map(
          (line) =>
            `${line.clientId.padEnd(24)} ${line.status.padEnd(8)} ${line.kind.padEnd(8)} ${line.lastUsedAt?.toISOString().slice(0, 16) ?? 'never used      '} ${String(line.errors).padStart(5)} errors  ${line.name}`
        )
        .join('\n') || 'none'
    )
  },

  async show ({ deps, ids, answer }) {
    const client = await known(deps, ids)
    const [secrets, history] = [
      await listSecrets(deps.db, client.clientId),
      await clientHistory(deps.db, { clientId: client.clientId, after: null, limit: 10 })
    ]
    const shown = {
      client_id: client.clientId,
      status: client.status,
      version: client.version,
      kind: client.kind,
      metadata: client.metadata,
      policy: client.policy,
      secrets: secrets.map(({ id, hint, createdAt, expiresAt, lastUsedOn }) => ({
        id,
        hint,
        created_at: createdAt,
        expires_at: expiresAt,
        last_used_on: lastUsedOn
      })),
      changes: history.map(({ at, act, actor, reason, version }) => ({ at, act, actor, reason, version }))
    }
    return answer(
      shown,
      [
        writeClientDocument([client]).trimEnd(),
        '',
        ...secrets.map(
          (secret) =>
            `secret …${secret.hint}  made ${secret.createdAt.toISOString()}  ${secret.expiresAt === null ? 'no end' : `ends ${secret.expiresAt.toISOString()}`}  last used ${secret.lastUsedOn ?? 'never'}`
        ),
        ...history.map(({ at, act, actor, reason }) => `${at.toISOString()}  ${act.padEnd(14)} ${actor}  ${reason}`)
      ].join('\n')
    )
  },

  async create ({ deps, values, ids, print, answer }) {
    refuseMore(ids)
    const act = requireAct(values)
    const status = values.status ?? 'test'
    if (status !== 'draft' && status !== 'test' && status !== 'live') {
      throw new WrongUse('--status is draft, test or live')
    }
    const content = values.from === undefined ? await readInput(values) : await readJsonFile(values.from)
    const { made, waiting } = await make(deps, values, {
      act,
      content,
      status,
      ...(values.id === undefined ? {} : { clientId: values.id })
    })
    if (made.outcome === 'created') {
      const { client, secret } = made
      answer(
        {
          client_id: client.clientId,
          client_secret: secret?.secret ?? null,
          status: client.status,
          version: client.version,
          issuer: deps.config.issuer,
          waiting
        },
        [
          `client_id      ${client.clientId}`,
          ...(secret === null ? [] : [`client_secret  ${secret.secret}   shown once`]),
          `issuer         ${deps.config.issuer}`,
          `status         ${client.status}`,
          ...(waiting.length > 0 ? [waitingText(deps.config.issuer, waiting)] : [])
        ].join('\n')
      )
      return waiting.length > 0 ? exitWaiting : 0
    }
    const faults = made.outcome === 'invalid' ? made.faults : []
    print(
      values.json === true
        ? JSON.stringify({ error: made.outcome, faults })
        : made.outcome === 'taken'
          ? `There is a client ${values.id ?? ''} already.`
          : faults.map(faultLine).join('\n')
    )
    return 1
  },

  async 'rotate-secret' ({ deps, values, ids, print, answer }) {
    const days = Number(values['grace-days'] ?? 7)
    if (!Number.isFinite(days) || days < 0 || days > 90) throw new WrongUse('--grace-days is a number from 0 to 90')
    const act = requireAct(values)
    const ask = await readApproval(deps, values, act)
    const clientId = one(ids)
    const { made, waiting } = await inTransaction(deps.db, async (trx) => {
      const input = { act, clientId, grace: days * 86_400 }
      const made = await rotateSecret(trx, deps, input)
      if (made.outcome !== 'approval_needed') return { made, waiting: [] }
      if (ask === null) {
        await recordUnapproved(trx, deps, { subject: clientId, reasons: made.reasons, act })
        return { made: await rotateSecret(trx, deps, { ...input, approved: true }), waiting: [] }
      }
      const wanted = { kind: clientSecretKind, payload: made.request, subject: clientId, act } as const
      return { made, waiting: [await ask(trx, wanted)] }
    })
    if (made.outcome === 'approval_needed') {
      answer(
        { client_id: clientId, client_secret: made.secret, waiting, reasons: made.reasons },
        [
          `client_secret  ${made.secret}   shown once, not valid yet`,
          ...made.reasons.map((reason) => `! ${dualControlWords[reason]}`),
          waitingText(deps.config.issuer, waiting)
        ].join('\n')
      )
      return exitWaiting
    }
    if (made.outcome === 'created') {
      return answer(
        {
          client_id: ids[0],
          client_secret: made.secret,
          previous: made.previous === null ? null : { id: made.previous.id, ends_at: made.previous.endsAt }
        },
        `client_secret  ${made.secret}   shown once\n${made.previous === null ? 'The former secret has ended.' : `The former secret ends ${made.previous.endsAt.toISOString()}.`}`
      )
    }
    const texts = {
      too_many: 'Two secrets are alive. Wait for the end of the older one, or end it in the console.',
      not_found: 'There is no such client.',
      own_service: "This is one of Kora's own services.",
      no_secret: 'This client authenticates without a secret.'
    }
    print(values.json === true ? JSON.stringify({ error: made.outcome }) : texts[made.outcome])
    return 1
  },

  disable: async (call) => await move(call, 'disabled'),
  enable: async (call) => await move(call, 'live'),

  async export ({ deps, ids, print }) {
    const clients = await findClients(deps.db, ids.length === 0 ? null : ids)
    const missing = ids.filter((id) => !clients.some(({ clientId }) => clientId === id))
    if (missing.length > 0) {
      console.error(`There is no client ${missing.join(', ')}.`)
      return 1
    }
    print(writeClientDocument(clients).trimEnd())
    return 0
  }
}

async function move ({ deps, values, ids, print, answer }: CommandCall, status: ClientStatus): Promise<number> {
  const act = requireAct(values)
  const client = await known(deps, ids)
  const { clientId, version } = client
  const ask = await readApproval(deps, values, act)
  const { moved, waiting } = await inTransaction(deps.db, async (trx) => {
    const moved = await setClientStatus(trx, deps, { act, clientId, version, status })
    if (moved.outcome !== 'approval_needed') return { moved, waiting: [] }
    if (ask === null) {
      await recordUnapproved(trx, deps, { subject: clientId, reasons: moved.reasons, act })
      return {
        moved: await setClientStatus(trx, deps, { act, clientId, version, status, approved: true }),
        waiting: []
      }
    }
    const payload: ClientStatusRequest = { clientId, status }
    return { moved, waiting: [await ask(trx, { kind: clientStatusKind, payload, subject: clientId, act })] }
  })
  if (moved.outcome === 'approval_needed') {
    answer(
      { client_id: clientId, status: client.status, waiting, reasons: moved.reasons },
      waitingText(deps.config.issuer, waiting)
    )
    return exitWaiting
  }
  if (moved.outcome === 'changed' || moved.outcome === 'unchanged') {
    return answer(
      { client_id: client.clientId, status, version: moved.client.version },
      `${client.clientId} is ${status}.`
    )
  }
  const faults = moved.outcome === 'invalid' ? moved.faults : []
  print(
    values.json === true
      ? JSON.stringify({ error: moved.outcome, faults })
      : faults.length > 0
        ? faults.map(faultLine).join('\n')
        : `Refused: ${moved.outcome}`
  )
  return 1
}

/** Makes it at once without what needs approval, and not live; the rest waits. */
async function make (
  deps: RegistryServices,
  values: CommandCall['values'],
  input: NewClient & { status: 'draft' | 'test' | 'live' }
): Promise<{ made: Created; waiting: string[] }> {
  const { act, content, status, clientId } = input
  const ask = await readApproval(deps, values, act)
  return await inTransaction(deps.db, async (trx) => {
    const made = await createClient(trx, deps, input)
    if (made.outcome !== 'approval_needed') return { made, waiting: [] }
    if (ask === null) {
      const done = await createClient(trx, deps, { ...input, approved: true })
      if (done.outcome === 'created') {
        await recordUnapproved(trx, deps, { subject: done.client.clientId, reasons: made.reasons, act })
      }
      return { made: done, waiting: [] }
    }
    const checked = validateClient(content, clientRules(deps.config))
    if (!checked.ok) throw new Error('content was valid a moment ago')
    const lesser = await createClient(trx, deps, {
      act,
      content: withoutPowers(checked.content),
      status: status === 'live' ? 'test' : status,
      ...(clientId === undefined ? {} : { clientId })
    })
    if (lesser.outcome !== 'created') return { made: lesser, waiting: [] }
    const { client } = lesser
    const about = { subject: client.clientId, act }
    const waiting: string[] = []
    if (dualControlReasons(null, checked.content).length > 0) {
      const payload = clientChangeRequest(client, checked.content)
      waiting.push(await ask(trx, { kind: clientChangeKind, payload, ...about }))
    }
    if (status === 'live') {
      const payload: ClientStatusRequest = { clientId: client.clientId, status }
      waiting.push(await ask(trx, { kind: clientStatusKind, payload, ...about }))
    }
    return { made: lesser, waiting }
  })
}

function one (ids: string[]): string {
  if (ids.length !== 1 || ids[0] === undefined) throw new WrongUse('Which client_id?')
  return ids[0]
}

async function known (deps: RegistryServices, ids: string[]): Promise<ClientRecord> {
  const client = await findClient(deps.db, one(ids))
  if (client === null) throw new WrongUse(`There is no client ${ids[0] ?? ''}.`)
  return client
}

async function readInput (values: CommandCall['values']): Promise<unknown> {
  if (values.name === undefined || values.kind === undefined) {
    throw new WrongUse('--name and --kind are missing (or --from).')
  }
  const people = !['machine', 'resource'].includes(values.kind)
  return {
    kind: values.kind,
    metadata: {
      ...(values.redirect === undefined ? {} : { redirect_uris: values.redirect }),
      ...(values.jwks === undefined ? {} : { jwks: await readJsonFile(values.jwks) }),
      ...(values['post-logout'] === undefined ? {} : { post_logout_redirect_uris: values['post-logout'] }),
      ...(people ? { scope: values.scope ?? 'openid' } : {})
    },
    policy: {
      names: { 'zh-CN': values.name },
      ...(values.unit === undefined ? {} : { unit: values.unit }),
      ...(values['admin-scopes'] === undefined
        ? {}
        : { adminScopes: values['admin-scopes'].split(' ').filter(Boolean) }),
      purposes: Object.fromEntries(
        (values.purpose ?? []).map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)])
      )
    }
  }
}
