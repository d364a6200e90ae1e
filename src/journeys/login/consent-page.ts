/** The page of consent: what the site requests, the same for a real login and for a preview. */
import { claimsByScope } from '../../domain/claims/claims.ts'
import { sensitiveScopes } from '../../domain/claims/requested-scopes.ts'
import type { ClientPolicy } from '../../domain/client/policy.ts'
import { maskCertNo, maskName, maskPhone } from '../../domain/identity/masking.ts'
import type { Person } from '../../domain/identity/person.ts'
import { localText } from '../../domain/resource-server/record.ts'
import type { Locale } from '../../http/locale.ts'
import type { FieldError, FormTarget, RelyingSite } from '../../http/pages.ts'
import type { RequestedApi } from '../../records/resource-servers/index.ts'

export interface ConsentItem {
  scope: string
  required: boolean
  /** Not among what was agreed to before. */
  isNew: boolean
  /** Sensitive personal information needs a consent of its own (PIPL art. 29). */
  sensitive: boolean
  /** Message keys `claim.<name>`; values are masked already, null = only the name is shown. */
  claims: Array<{ name: string; value: string | null }>
  /** From the client's record. */
  purpose: string | null
}

/** An API (RFC 8707) as people read it, in their language where it has texts in it. */
export interface ShownApi {
  identifier: string
  name: string
  lang: Locale | null
  scopes: Array<{ scope: string; text: string; lang: Locale | null }>
}

export const showApis = (apis: readonly RequestedApi[], locale: Locale): ShownApi[] =>
  apis
    .filter(({ scopes }) => scopes.length > 0)
    .map(({ identifier, names, scopes }) => {
      const { text: name, lang } = localText(names, locale, identifier)
      return {
        identifier,
        name,
        lang,
        scopes: scopes.map((scope) => ({ scope: scope.name, ...localText(scope.texts, locale, scope.name) }))
      }
    })

/**
 * Posts `csrf`, `decision` ('grant' | 'deny'), `scope` (repeated: optional or sensitive scopes that were ticked), `api`
 * (repeated: each scope of an API that was shown).
 */
export interface ConsentPage extends FormTarget {
  rp: RelyingSite
  /** Operating unit. */
  unit: string | null
  verified: boolean
  items: ConsentItem[]
  /** What the site may do at APIs in the name of the person; the required part is agreed to as a whole. */
  apis: ShownApi[]
  offline: boolean
  errors: FieldError[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'login/consent': ConsentPage
  }
}

type Whose = Pick<Person, 'name' | 'phone' | 'certNo'>

const masked: Record<string, (person: Whose) => string | null> = {
  name: (person) => maskName(person.name),
  phone_number: (person) => (person.phone === null ? null : maskPhone(person.phone)),
  cert_no: (person) => maskCertNo(person.certNo)
}

/** @param decided what this person decided before: scope → given or refused */
export function consentPage ({
  rp,
  policy,
  scopes,
  apis,
  person,
  decided,
  offline
}: {
  rp: RelyingSite
  policy: ClientPolicy
  scopes: readonly string[]
  apis: ShownApi[]
  person: Whose
  decided: ReadonlyMap<string, boolean>
  offline: boolean
}): Omit<ConsentPage, 'action' | 'csrf' | 'errors'> {
  const items: ConsentItem[] = scopes.map((scope) => ({
    scope,
    required: !policy.optionalScopes.includes(scope),
    isNew: decided.size > 0 && !decided.has(scope),
    sensitive: sensitiveScopes.includes(scope),
    claims: claimsByScope[scope as keyof typeof claimsByScope]
      .filter((claim) => claim in masked || !claim.includes('verified'))
      .map((claim) => ({ name: claim, value: masked[claim]?.(person) ?? null })),
    purpose: policy.purposes[scope] ?? null
  }))
  return { rp, unit: policy.unit ?? null, verified: true, items, apis, offline }
}
