/**
 * What the pages of a login say about a relying site and about what it asks for: the same for a real one and for a
 * preview.
 */
import { claimsByScope } from '../../domain/claims/claims.ts'
import { clientName, type ClientPolicy } from '../../domain/client/policy.ts'
import { maskCertNo, maskName, maskPhone } from '../../domain/identity/masking.ts'
import type { Person } from '../../domain/identity/person.ts'
import type { Locale } from '../../http/locale.ts'
import type { FieldError, FormTarget, RelyingSite } from '../../http/pages.ts'
import { smallLogoPath } from '../../records/clients/index.ts'
import { sensitiveScopes } from '../../records/consents/index.ts'

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

/**
 * S13. Posts `csrf`, `decision` ('grant' | 'deny'), `scope` (repeated: optional or sensitive scopes that were ticked).
 */
export interface ConsentPage extends FormTarget {
  rp: RelyingSite
  /** Operating unit. */
  unit: string | null
  verified: boolean
  items: ConsentItem[]
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

/** The site in the language asked for. `otherwise`: its name when the policy has none; `host`: where it is. */
export function relyingSite (
  policy: ClientPolicy,
  locale: Locale,
  { otherwise, host }: { otherwise: string; host: string }
): RelyingSite {
  const name = clientName(policy, locale)
  return {
    name: name.text || otherwise,
    lang: name.lang,
    host,
    ...(policy.logo === undefined ? {} : { logo: smallLogoPath(policy.logo) })
  }
}

/** @param decided what this person decided before: scope → given or refused */
export function consentPage ({
  rp,
  policy,
  scopes,
  person,
  decided,
  offline
}: {
  rp: RelyingSite
  policy: ClientPolicy
  scopes: readonly string[]
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
  return { rp, unit: policy.unit ?? null, verified: true, items, offline }
}
