import type { ConsentKind } from '../../domain/identity/consent.ts'
import { defaultLocale, matchLocale, type Locale } from '../../domain/locale.ts'
import bo from './messages.bo.json' with { type: 'json' }
import en from './messages.en.json' with { type: 'json' }
import zh from './messages.zh-CN.json' with { type: 'json' }

export type { ConsentKind } from '../../domain/identity/consent.ts'

const texts: Readonly<Record<Locale, Record<keyof typeof zh, string>>> = { 'zh-CN': zh, bo, en }

/** The messages beside the box to tick, in their order. */
const messages: Readonly<Record<ConsentKind, Array<keyof typeof zh>>> = {
  privacy: ['consents.agree', 'consents.privacy'],
  terms: ['consents.agree', 'consents.terms'],
  'identity-verification': ['consents.identity_verification'],
  'face-check': ['consents.face_check'],
  'organization-registration': ['consents.agree', 'consents.organization_registration']
}

/**
 * The exact words that were agreed to, in this language. The app shows the same words, so its record is as reliable.
 */
export function consentText (kind: ConsentKind, locale: string): string {
  const inLanguage = texts[matchLocale(locale) ?? defaultLocale]
  return messages[kind].map((key) => inLanguage[key]).join(' ')
}
