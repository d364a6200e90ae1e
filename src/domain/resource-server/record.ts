/**
 * A resource server (RFC 8707) as administrators keep it: an API that takes access tokens, its scopes with texts for
 * people, and what its tokens are like. Who may ask for tokens is said at each client (domain/client/api-grants.ts).
 */
import type { Level } from '../identity/assurance.ts'
import type { Locale } from '../locale.ts'

export const resourceServerStatuses = ['active', 'disabled'] as const
export type ResourceServerStatus = (typeof resourceServerStatuses)[number]

export const tokenFormats = ['opaque', 'jwt'] as const
export type TokenFormat = (typeof tokenFormats)[number]

export const resourceSigningAlgs = ['ES256', 'RS256'] as const

/** What the history of a resource server knows. */
export type ResourceServerAct = 'created' | 'changed' | 'status' | 'deleted'

/** zh-CN is there except for what was stored before texts were; the other languages fall back to it. */
export type LocalTexts = Partial<Record<Locale, string>>

/** Everything of a resource server that somebody decides. */
export interface ResourceServerContent {
  names: LocalTexts & { 'zh-CN': string }
  /** In the order in which people see them. */
  scopes: Record<string, LocalTexts>
  tokenFormat: TokenFormat
  signingAlg: (typeof resourceSigningAlgs)[number]
  ttlSeconds: number
  /** Of the login that a token for it comes from; null: as the client says. */
  minimumLevel: Level | null
}

export interface ResourceServerRecord extends ResourceServerContent {
  /** In addresses; made from the identifier. */
  id: string
  identifier: string
  status: ResourceServerStatus
  /** Counts changes; a change names the one it was made from. */
  version: number
  createdAt: Date
  updatedAt: Date
}

/** Seconds that an access token may live, by format: a JWT cannot be taken back. */
export const tokenSeconds = { least: 60, opaque: 3600, jwt: 600 } as const

/** The text in this language, and the language that it is in. */
export function localText (
  texts: LocalTexts,
  locale: Locale,
  otherwise: string
): { text: string; lang: Locale | null } {
  const text = texts[locale]
  if (text !== undefined) return { text, lang: locale }
  const chinese = texts['zh-CN']
  return chinese === undefined ? { text: otherwise, lang: null } : { text: chinese, lang: 'zh-CN' }
}
