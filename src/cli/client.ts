/** kora client: relying sites from the command line, by the same functions and the same validation as the console. */
import type { ParseArgsConfig } from 'node:util'
import { write } from '../database/transaction.ts'
import type { ClientRecord, ClientStatus } from '../domain/client/record.ts'
import {
  type NewClient,
  agreedAct,
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
import { readJsonFile, refuseMore, requireAct, requireAgreedBy, runAction, type Call } from './actions.ts'
import { WrongUse } from './arguments.ts'
import { faultLine, dualControlWords } from './fault-text.ts'
import { actOptions, actUsage, agreedOptions, agreedUsage } from './operator.ts'
import { printLine } from './print.ts'

const usage = `kora client list [--text t] [--status s] [--kind k] [--type public|confidential] [--grant g] [--scope s] [--host h] [--unit u] [--unused-days n] [--json]
       kora client show <client_id> [--json]
       kora client create --name <name> --kind server|spa|native|device|machine|resource [--redirect <uri>]… [--post-logout <uri>]…
              [--scope "openid profile"] [--purpose profile=<why>]… [--unit u] [--id client_id] [--status draft|test|live]
              [--jwks <public-keys.json>] [--admin-scopes "kora.clients:read …"] ${actUsage}
              ${agreedUsage} [--json]
       kora client create --from <file.json> …       {"kind", "metadata", "policy"} as a whole
       kora client rotate-secret <client_id> [--grace-days 7] ${actUsage} [--json]
       kora client disable|enable <client_id> ${actUsage} [--json]
       kora client export [<client_id>…]             YAML for kora apply, to standard output

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
  ...agreedOptions
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
    const agreedBy = requireAgreedBy(values, act)
    const options: Omit<NewClient, 'act' | 'content'> = {
      status,
      ...(values.id === undefined ? {} : { clientId: values.id })
    }
    const input = values.from === undefined ? await readInput(values) : await readJsonFile(values.from)
    let made = await write(deps, createClient, { act, content: input, ...options })
    if (made.outcome === 'approval_needed' && agreedBy !== '') {
      made = await write(deps, createClient, {
        act: agreedAct(act, agreedBy),
        content: input,
        ...options,
        approved: true
      })
    }
    if (made.outcome === 'created') {
      const { client, secret } = made
      return answer(
        {
          client_id: client.clientId,
          client_secret: secret?.secret ?? null,
          status: client.status,
          version: client.version,
          issuer: deps.config.issuer
        },
        [
          `client_id      ${client.clientId}`,
          ...(secret === null ? [] : [`client_secret  ${secret.secret}   shown once`]),
          `issuer         ${deps.config.issuer}`,
          `status         ${client.status}`
        ].join('\n')
      )
    }
    const faults = made.outcome === 'invalid' ? made.faults : []
    if (made.outcome === 'approval_needed') {
      print(
        values.json === true
          ? JSON.stringify({ error: 'second_administrator_needed', reasons: made.reasons })
          : [
              ...made.reasons.map((reason) => `! ${dualControlWords[reason]}`),
              'One person alone may not decide this: --agreed-by names the other.'
            ].join('\n')
      )
      return 1
    }
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
    const made = await write(deps, rotateSecret, { act: requireAct(values), clientId: one(ids), grace: days * 86_400 })
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
  const moved = await write(deps, setClientStatus, { act, clientId: client.clientId, version: client.version, status })
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
