/** clients.yaml: declared clients as a file that people read and keep in version control. Faults name their line. */
import { isMap, isSeq, LineCounter, parseDocument, stringify, type Document, type Node } from 'yaml'
import { isObject, type ClientFault } from '../../domain/client/faults.ts'
import { policyMembers } from '../../domain/client/kinds.ts'
import { defaultPolicy } from '../../domain/client/policy.ts'
import { metadataMembers } from '../../domain/client/metadata.ts'
import type { ClientRecord } from '../../domain/client/record.ts'
import { canonicalJson } from '../../domain/client/diff.ts'
import type { WantedClient } from './apply.ts'

export interface DocumentFault extends ClientFault {
  /** From 1. */ line: number
}

export type ReadDocument =
  /** `lined` gives faults of `planClients` their lines. */
  | { ok: true; wanted: WantedClient[]; lined(faults: readonly ClientFault[]): DocumentFault[] }
  | { ok: false; faults: DocumentFault[] }

const maximumLength = 4 * 1024 * 1024
const members = ['client_id', 'status', 'kind', 'metadata', 'policy']

/** YAML 1.2 (so JSON too) → what is wanted; everything about form is a fault with its line. */
export function readClientDocument (text: string): ReadDocument {
  if (text.length > maximumLength) {
    return {
      ok: false,
      faults: [{ field: '', code: 'too_long', received: `${text.length}`, expected: `≤ ${maximumLength}`, line: 1 }]
    }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, schema: 'core', uniqueKeys: true, logLevel: 'silent' })
  const lined = (faults: readonly ClientFault[]): DocumentFault[] =>
    faults.map((fault) => {
      const field = `/clients${fault.field}`
      return { ...fault, field, line: lines.linePos(offsetOf(document, field)).line }
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
  if (!isObject(value) || !Array.isArray(value['clients'])) {
    return {
      ok: false,
      faults: [
        {
          field: '/clients',
          code: 'not_a_list',
          received: isObject(value) ? Object.keys(value).join(', ').slice(0, 200) : '',
          expected: 'clients: […]',
          line: 1
        }
      ]
    }
  }
  const faults: ClientFault[] = []
  const wanted = value['clients'].flatMap((entry: unknown, index): WantedClient[] => {
    if (!isObject(entry)) {
      faults.push({
        field: `/${index}`,
        code: 'not_an_object',
        received: String(entry).slice(0, 200),
        expected: '{…}'
      })
      return []
    }
    for (const name of Object.keys(entry)) {
      if (!members.includes(name)) {
        faults.push({ field: `/${index}/${name}`, code: 'unknown', received: name, expected: members.join(' | ') })
      }
    }
    const { client_id: clientId, status, ...content } = entry
    return [{ clientId, content, ...(status === undefined ? {} : { status }) }]
  })
  return faults.length > 0 ? { ok: false, faults: lined(faults) } : { ok: true, wanted, lined }
}

/** Where a pointer's value begins; for members that are not there, what they would be in. */
function offsetOf (document: Document, pointer: string): number {
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
