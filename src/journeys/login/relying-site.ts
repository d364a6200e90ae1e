/** What the pages of a login say about the relying site, the same for a real one and for a preview. */
import { clientName, type ClientPolicy } from '../../domain/client/policy.ts'
import type { Locale } from '../../http/locale.ts'
import type { RelyingSite } from '../../http/pages.ts'
import { smallLogoPath } from '../../records/clients/index.ts'

/** The site in the requested language. `otherwise`: its name when the policy has none; `host`: its address. */
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

/** The host of an address; '' when it is none. */
export function readHost (address: unknown): string {
  try {
    return new URL(String(address)).host
  } catch {
    return ''
  }
}
