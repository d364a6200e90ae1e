/** The fields of a resource server as a form, and how what was typed becomes the whole again. */
import { isObject, type ClientFault } from '../../../domain/client/faults.ts'
import {
  resourceSigningAlgs,
  tokenFormats,
  tokenSeconds,
  type LocalTexts
} from '../../../domain/resource-server/record.ts'
import type { AdminTranslate } from '../../../http/locale.ts'
import { completeControls, createDrafts, splitLines, text, type Control, type Draft } from '../controls.ts'

/** A resource server as it was typed: perhaps wrong. */
export interface Typed {
  /** Null: it is there already, and its identifier does not change. */
  identifier: string | null
  content: Record<string, unknown>
  introspectors: string[]
}

/** `scope | 中文 | བོད་ཡིག | English`, as few parts as there are. */
const scopeLine = (scope: string, texts: LocalTexts): string =>
  [scope, texts['zh-CN'] ?? '', texts.bo ?? '', texts.en ?? ''].join(' | ').replace(/(?: \| )+$/, '')

function parseScopes (typed: string): Record<string, LocalTexts> {
  return Object.fromEntries(
    splitLines(typed).map((line) => {
      const [scope = '', zh = '', bo = '', en = ''] = line.split('|').map((part) => part.trim())
      return [
        scope,
        { ...(zh === '' ? {} : { 'zh-CN': zh }), ...(bo === '' ? {} : { bo }), ...(en === '' ? {} : { en }) }
      ]
    })
  )
}

export function buildControls (
  { identifier, content, introspectors }: Typed,
  t: AdminTranslate,
  faults: readonly ClientFault[]
): Control[] {
  const names = isObject(content['names']) ? content['names'] : {}
  const scopes = isObject(content['scopes']) ? (content['scopes'] as Record<string, LocalTexts>) : {}
  const { words, area, select } = createDrafts(t, 'apis')
  const drafts: Draft[] = [
    ...(identifier === null ? [] : [words('identifier', identifier, { at: '/identifier', maximum: 200 })]),
    words('name_zh', names['zh-CN'], { at: '/names/zh-CN', maximum: 60 }),
    words('name_bo', names['bo'], { at: '/names/bo', maximum: 60 }),
    words('name_en', names['en'], { at: '/names/en', maximum: 60 }),
    area('scopes', Object.entries(scopes).map(([scope, texts]) => scopeLine(scope, texts)).join('\n'), {
      at: ['/scopes'],
      rows: 6
    }),
    select('token_format', text(content['tokenFormat'] ?? 'opaque'), { values: tokenFormats, at: '/tokenFormat' }),
    select('signing_alg', text(content['signingAlg'] ?? 'ES256'), { values: resourceSigningAlgs, at: '/signingAlg' }),
    words('ttl_seconds', content['ttlSeconds'] ?? 600, { at: '/ttlSeconds', maximum: 5 }),
    select('minimum_level', text(content['minimumLevel'] ?? 'none'), {
      values: ['none', '1', '2', '3', '4'],
      at: '/minimumLevel'
    }),
    area('introspectors', introspectors.join('\n'), { at: ['/introspectors'], rows: 3 })
  ]
  const { opaque, jwt, least } = tokenSeconds
  return completeControls(drafts, t, { area: 'apis', faults, values: { opaque, jwt, least } })
}

export function typedFrom (field: (name: string) => string, isNew: boolean): Typed {
  const kept = (name: string): string | undefined => (field(name).trim() === '' ? undefined : field(name).trim())
  const ttl = field('ttl_seconds').trim()
  const level = field('minimum_level')
  return {
    identifier: isNew ? field('identifier').trim() : null,
    content: {
      names: Object.fromEntries(
        [
          ['zh-CN', kept('name_zh')],
          ['bo', kept('name_bo')],
          ['en', kept('name_en')]
        ].filter(([, value]) => value !== undefined)
      ),
      scopes: parseScopes(field('scopes')),
      tokenFormat: field('token_format') || 'opaque',
      signingAlg: field('signing_alg') || 'ES256',
      ttlSeconds: /^\d{1,5}$/.test(ttl) ? Number(ttl) : ttl,
      minimumLevel: level === 'none' || level === '' ? null : Number(level) || level
    },
    introspectors: [...new Set(splitLines(field('introspectors')))].sort()
  }
}
