/**
 * 接入代码: complete code for a relying site, made for one client from the templates here. Owns the templates, their values
 * (values.ts), their list (catalogue.ts) and known pitfalls (notes.ts). Pure after loading: issuer and client in, text
 * out. There is never a secret in it.
 */
import { readFileSync } from 'node:fs'
import { kinds } from './catalogue.ts'
import type { DocLanguage } from './notes.ts'
import { fill } from './template.ts'
import {
  findClientFaults,
  buildDeviceValues,
  findFaults,
  buildValues,
  type DeviceClient,
  type SnippetClient,
  type SnippetFault,
  type Values
} from './values.ts'

export { toDeviceClient, toSnippetClient, type SnippetClient, type SnippetFault } from './values.ts'
export type { DocLanguage } from './notes.ts'

export interface Snippet {
  /** Stable, for anchors: 'express', 'spring' … */
  id: string
  title: string
  /** The project's tests run it with the real library. */
  tested: boolean
  /**
   * The redirect URI it works with: the client's, or the one that the library insists on and that must be registered.
   */
  redirectUri: string
  files: Array<{ name: string; language: string; text: string }>
  notes: string[]
}

export type SnippetsOutcome = { ok: true; snippets: Snippet[] } | { ok: false; faults: SnippetFault[] }

const folder = new URL('templates/', import.meta.url)
const templates = new Map(
  kinds.flatMap(({ files }) =>
    files.map(({ template }) => [template, readFileSync(new URL(`${template}.txt`, folder), 'utf8')])
  )
)

/**
 * Every snippet for one client.
 * @param issuer origin of this provider
 * @param client of the record (`snippetClientOf`), or as typed: faults say what cannot be in code
 */
export function makeSnippets (issuer: string, client: SnippetClient, language: DocLanguage): SnippetsOutcome {
  const faults = findFaults(client)
  if (faults.length > 0) return { ok: false, faults }
  const given = buildValues(issuer, client)
  return {
    ok: true,
    snippets: kinds.map((kind) => {
      const own = kind.own?.(given) ?? {}
      const values: Values = { ...given, ...own }
      return {
        id: kind.id,
        title: kind.title,
        tested: kind.tested,
        redirectUri: String(values['redirectUri']),
        files: kind.files.map(({ template, language, name }) => ({
          name: name(values),
          language,
          text: fill(templates.get(template) ?? '', values)
        })),
        notes: kind.notes.map((note) => note[language])
      }
    })
  }
}

const deviceTemplate = readFileSync(new URL('device/device.mjs.txt', folder), 'utf8')

/** The one snippet of a client of the device grant (RFC 8628). */
export function makeDeviceSnippet (
  issuer: string,
  client: DeviceClient
): { ok: true; snippet: Snippet } | { ok: false; faults: SnippetFault[] } {
  const faults = findClientFaults(client)
  if (faults.length > 0) return { ok: false, faults }
  const file = { name: 'device.mjs', language: 'js', text: fill(deviceTemplate, buildDeviceValues(issuer, client)) }
  return {
    ok: true,
    snippet: {
      id: 'device',
      title: 'Node.js (openid-client)',
      tested: true,
      redirectUri: '',
      files: [file],
      notes: []
    }
  }
}
