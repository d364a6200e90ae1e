/** The fields of a resource server as a form, and how what was typed becomes the whole again. */
import { isObject, type ClientFault } from '../../../domain/client/faults.ts'
import {
  resourceSigningAlgs,
  tokenFormats,
  tokenSeconds,
  type LocalTexts
} from '../../../domain/resource-server/record.ts'
import type { AdminTranslate } from '../../../http/locale.ts'
import { faultWords, type Control } from '../clients/index.ts'

/** A resource server as it was typed: perhaps wrong. */
export interface Typed {
  /** Null: it is there already, and its identifier does not change. */
  identifier: string | null
  content: Record<string, unknown>
  introspectors: string[]
}

const lines = (typed: string): string[] =>
  typed
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value))

/** `scope | 中文 | བོད་ཡིག | English`, as few parts as there are. */
const scopeLine = (scope: string, texts: LocalTexts): string =>
  [scope, texts['zh-CN'] ?? '', texts.bo ?? '', texts.en ?? ''].join(' | ').replace(/(?: \| )+$/, '')

function scopesOf (typed: string): Record<string, LocalTexts> {
  return Object.fromEntries(
    lines(typed).map((line) => {
      const [scope = '', zh = '', bo = '', en = ''] = line.split('|').map((part) => part.trim())
      return [
        scope,
        { ...(zh === '' ? {} : { 'zh-CN': zh }), ...(bo === '' ? {} : { bo }), ...(en === '' ? {} : { en }) }
      ]
    })
  )
}

type Draft = Omit<Control, 'faults' | 'label' | 'hint'> & { at: string }

export function controlsOf (
  { identifier, content, introspectors }: Typed,
  t: AdminTranslate,
  faults: readonly ClientFault[]
): Control[] {
  const names = isObject(content['names']) ? content['names'] : {}
  const scopes = isObject(content['scopes']) ? (content['scopes'] as Record<string, LocalTexts>) : {}
  const words = (id: string, value: unknown, { at, maximum }: { at: string; maximum: number }): Draft =>
    ({ id, type: 'text', value: text(value), maximum, at }) as Draft
  const select = (id: string, value: string, { values, at }: { values: readonly string[]; at: string }): Draft =>
    ({
      id,
      type: 'select',
      value,
      options: values.map((one) => ({
        value: one,
        label: t.code([`console.apis.value.${id}.${one}`], 'console.clients.nothing') || one
      })),
      at
    }) as Draft
  const area = (id: string, value: string, { at, rows }: { at: string; rows: number }): Draft =>
    ({ id, type: 'area', value, rows, at }) as Draft
  const drafts: Draft[] = [
    ...(identifier === null ? [] : [words('identifier', identifier, { at: '/identifier', maximum: 200 })]),
    words('name_zh', names['zh-CN'], { at: '/names/zh-CN', maximum: 60 }),
    words('name_bo', names['bo'], { at: '/names/bo', maximum: 60 }),
    words('name_en', names['en'], { at: '/names/en', maximum: 60 }),
    area('scopes', Object.entries(scopes).map(([scope, texts]) => scopeLine(scope, texts)).join('\n'), {
      at: '/scopes',
      rows: 6
    }),
    select('token_format', text(content['tokenFormat'] ?? 'opaque'), { values: tokenFormats, at: '/tokenFormat' }),
    select('signing_alg', text(content['signingAlg'] ?? 'ES256'), { values: resourceSigningAlgs, at: '/signingAlg' }),
    words('ttl_seconds', content['ttlSeconds'] ?? 600, { at: '/ttlSeconds', maximum: 5 }),
    select('minimum_level', text(content['minimumLevel'] ?? 'none'), {
      values: ['none', '1', '2', '3', '4'],
      at: '/minimumLevel'
    }),
    area('introspectors', introspectors.join('\n'), { at: '/introspectors', rows: 3 })
  ]
  return drafts.map(({ at, ...draft }) => {
    const hint = t.code([`console.apis.field.${draft.id}.hint`], 'console.clients.nothing', {
      opaque: tokenSeconds.opaque,
      jwt: tokenSeconds.jwt,
      least: tokenSeconds.least
    })
    return {
      ...draft,
      label: t.code([`console.apis.field.${draft.id}`], 'console.clients.nothing'),
      hint: hint === '' ? null : hint,
      faults: faults
        .filter(({ field }) => field === at || field.startsWith(`${at}/`))
        .map((fault) => faultWords(t, fault))
    } as Control
  })
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
      scopes: scopesOf(field('scopes')),
      tokenFormat: field('token_format') || 'opaque',
      signingAlg: field('signing_alg') || 'ES256',
      ttlSeconds: /^\d{1,5}$/.test(ttl) ? Number(ttl) : ttl,
      minimumLevel: level === 'none' || level === '' ? null : Number(level) || level
    },
    introspectors: [...new Set(lines(field('introspectors')))].sort()
  }
}
