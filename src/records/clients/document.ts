/**
 * clients.yaml: declared clients, and the APIs that they use, as a file that people read and keep in version control.
 * Faults name their line.
 */
import { isMap, isSeq, LineCounter, parseDocument, stringify, type Document, type Node } from 'yaml'
import { isObject, type ClientFault } from '../../domain/client/faults.ts'
import { policyMembers } from '../../domain/client/kinds.ts'
import { defaultPolicy } from '../../domain/client/policy.ts'
import { metadataMembers } from '../../domain/client/metadata.ts'
import type { ResourceServerRecord } from '../../domain/resource-server/record.ts'
import { resourceServerMembers } from '../../domain/resource-server/validation.ts'
import type { ClientRecord } from '../../domain/client/record.ts'
import { canonicalJson } from '../../domain/client/diff.ts'
import type { WantedClient } from './apply.ts'

export interface DocumentFault extends ClientFault {
  /** From 1. */ line: number
}

/** A declared API (records/resource-servers). */
export interface WantedResourceServer {
  identifier: unknown
  /** Absent: as it is; a new one is active. */
  status?: unknown
  content: unknown
}

type DocumentList = 'clients' | 'resource_servers'

export type ReadDocument =
  | {
    ok: true
    /** Null: the file says nothing about clients. */
    wanted: WantedClient[] | null
    servers: WantedResourceServer[]
    /** Gives faults of plans their lines. */
    lined(faults: readonly ClientFault[], list?: DocumentList): DocumentFault[]
  }
  | { ok: false; faults: DocumentFault[] }

const maximumLength = 4 * 1024 * 1024
const members = ['client_id', 'status', 'kind', 'metadata', 'policy']
const serverMembers = ['identifier', 'status', ...resourceServerMembers]

/** Reads YAML 1.2 (and so JSON); every fault of form has its line. */
export function readClientDocument (text: string): ReadDocument {
  if (text.length > maximumLength) {
    return {
      ok: false,
      faults: [{ field: '', code: 'too_long', received: `${text.length}`, expected: `≤ ${maximumLength}`, line: 1 }]
    }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', uniqueKeys: true, logLevel: 'silent' })
  const lined = (faults: readonly ClientFault[], list: DocumentList = 'clients'): DocumentFault[] =>
    faults.map((fault) => {
      const field = `/${list}${fault.field}`
      return { ...fault, field, line: lines.linePos(findOffset(document, field)).line }
    })
  if (document.errors.length > 0) {
    return {
      ok: false,
      faults: document.errors.map((error) => ({
        field: '',
        code: 'not_yaml',
        received: error.message.split('\n')[0] ?? '',
        expected: 'YAML 1.2',
        line: error.linePos?.[0].line ?? 1
      }))
    }
  }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 50 })
  } catch {
    return { ok: false, faults: [{ field: '', code: 'not_yaml', received: 'aliases', expected: 'YAML 1.2', line: 1 }] }
  }
  const [clients, servers] = isObject(value) ? [value['clients'], value['resource_servers']] : []
  const isList = (list: unknown): boolean => list === undefined || Array.isArray(list)
  if ((clients === undefined && servers === undefined) || !isList(clients) || !isList(servers)) {
    return {
      ok: false,
      faults: [
        {
          field: isList(clients) && servers !== undefined ? '/resource_servers' : '/clients',
          code: 'not_a_list',
          received: isObject(value) ? Object.keys(value).join(', ').slice(0, 200) : '',
          expected: 'clients: […]',
          line: 1
        }
      ]
    }
  }
  const faults: DocumentFault[] = []
  /** Entries that are objects with known members. */
  const readEntries = (list: unknown, name: DocumentList, known: readonly string[]): Array<Record<string, unknown>> =>
    ((list ?? []) as unknown[]).flatMap((entry, index) => {
      if (!isObject(entry)) {
        const received = String(entry).slice(0, 200)
        faults.push(...lined([{ field: `/${index}`, code: 'not_an_object', received, expected: '{…}' }], name))
        return []
      }
      for (const member of Object.keys(entry)) {
        if (known.includes(member)) continue
        const expected = known.join(' | ')
        faults.push(...lined([{ field: `/${index}/${member}`, code: 'unknown', received: member, expected }], name))
      }
      return [entry]
    })
  const wanted = readEntries(clients, 'clients', members).map(({ client_id: clientId, status, ...content }) => ({
    clientId,
    content,
    ...(status === undefined ? {} : { status })
  }))
  const wantedServers = readEntries(servers, 'resource_servers', serverMembers).map(
    ({ identifier, status, ...content }) => ({ identifier, content, ...(status === undefined ? {} : { status }) })
  )
  return faults.length > 0
    ? { ok: false, faults }
    : { ok: true, wanted: clients === undefined ? null : wanted, servers: wantedServers, lined }
}

/** The line of a pointer's value; for absent members, that of their parent. */
function findOffset (document: Document, pointer: string): number {
  let node: unknown = document.contents
  let offset = 0
  for (const name of pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))) {
    let next: unknown
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String((key as { value?: unknown } | null)?.value) === name)
      next = pair?.value
      offset = (pair?.key as Node | undefined)?.range?.[0] ?? offset
    } else if (isSeq(node)) {
      next = node.items[Number(name)]
      offset = (next as Node | undefined)?.range?.[0] ?? offset
    }
    if (next === undefined || next === null) break
    node = next
  }
  return offset
}

const ordered = (value: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.filter((name) => value[name] !== undefined).map((name) => [name, value[name]]))

/** The same clients as a file: reading it gives no difference. Kora's own services are left out, pictures too. */
export function writeClientDocument (clients: readonly ClientRecord[]): string {
  const list = clients
    .filter(({ policy }) => policy.ownService !== true)
    .map(({ clientId, status, kind, metadata, policy }) => ({
      client_id: clientId,
      status,
      kind,
      metadata: ordered({ ...metadata }, metadataMembers),
      policy: ordered(
        Object.fromEntries(
          Object.entries(policy).filter(
            ([name, value]) =>
              name !== 'logo' &&
              canonicalJson(value) !== canonicalJson(defaultPolicy[name as keyof typeof defaultPolicy])
          )
        ),
        policyMembers
      )
    }))
  return stringify({ clients: list }, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** APIs as a file, in the same way. */
export function writeResourceServerDocument (servers: readonly ResourceServerRecord[]): string {
  const list = servers.map((server) => ({
    identifier: server.identifier,
    status: server.status,
    ...ordered({ ...server }, resourceServerMembers)
  }))
  return stringify({ resource_servers: list }, { lineWidth: 0, aliasDuplicateObjects: false })
}
