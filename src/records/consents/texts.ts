import { defaultLocale, matchLocale, translator, type MessageKey } from '../../http/locale.ts'

/** What a person can agree to. Identity data and faces are sensitive: each has a consent of its own (个人信息保护法 第二十九条). */
export type ConsentKind = 'privacy' | 'terms' | 'identity-verification' | 'face-check' | 'organization-registration'

/** The messages that stand beside the box to tick, in their order. */
const messages: Readonly<Record<ConsentKind, MessageKey[]>> = {
  privacy: ['f.agree', 'f.agree.privacy'],
  terms: ['f.agree', 'f.agree.tos'],
  'identity-verification': ['identity.consent'],
  'face-check': ['face.consent'],
  'organization-registration': ['f.agree', 'f.agree.registration']
}

/** The very words that were agreed to, in this language. An app shows them too, so that its record is as true. */
export function consentText (kind: ConsentKind, locale: string): string {
  const t = translator(matchLocale(locale) ?? defaultLocale)
  return messages[kind].map((key) => t(key)).join(' ')
}
