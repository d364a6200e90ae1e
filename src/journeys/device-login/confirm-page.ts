/** The page on which a person lets a device continue or refuses it, and the other pages of /device. */
import type { Client } from 'oidc-provider'
import { claimsByScope } from '../../domain/claims/claims.ts'
import { requestedScopes } from '../../domain/claims/requested-scopes.ts'
import { clientPolicy } from '../../domain/client/policy.ts'
import { shownUserCode } from '../../domain/login/user-code.ts'
import { readPolicy } from '../../oidc/interaction-policy.ts'
import type { DeviceLogin } from '../../oidc/device-codes.ts'
import { devicePath, type DeviceOutcome } from '../../oidc/device-flow.ts'
import type { Locale } from '../../http/locale.ts'
import type { FieldError, FormTarget, RelyingSite } from '../../http/pages.ts'
import { readHost, relyingSite, showApis, type ShownApi } from '../login/index.ts'
import type { RequestedApi } from '../../records/resource-servers/index.ts'

/** Posts `user_code` and `csrf`. */
export interface DeviceCodePage extends FormTarget {
  typed: string
  errors: FieldError[]
}

/** Posts `user_code`, `csrf` and `decision` (allow, refuse). */
export interface DeviceConfirmPage extends FormTarget {
  rp: RelyingSite
  unit: string | null
  /** As the device shows it. */
  userCode: string
  /** Coarse; '' when not known. */
  place: string
  at: string
  /** What the device's site gets, with the purpose it gave. */
  data: Array<{ claims: string[]; purpose: string | null }>
  /** What it may do at APIs in the name of the person. */
  apis: ShownApi[]
  /** The page again in another language, because the answer to a post has no address. */
  self: string
}

export interface DeviceOutcomePage {
  outcome: DeviceOutcome
  againHref: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'device-login/code': DeviceCodePage
    'device-login/confirm': DeviceConfirmPage
    'device-login/outcome': DeviceOutcomePage
  }
}

/** What is asked for is shown here too: a trusted site has no page of consent later. */
export function confirmPage (
  login: DeviceLogin,
  { client, apis }: { client: Client; apis: readonly RequestedApi[] },
  { locale, ...form }: FormTarget & { locale: Locale }
): DeviceConfirmPage {
  const policy = clientPolicy(readPolicy(client))
  const userCode = shownUserCode(login.userCode)
  return {
    ...form,
    rp: relyingSite(policy, locale, {
      otherwise: client.clientName || client.clientId,
      host: readHost(client.clientUri ?? policy.homeUri)
    }),
    unit: policy.unit ?? null,
    userCode,
    place: login.place,
    at: login.requestedAt.toISOString(),
    data: requestedScopes(login.params['scope'], client).map((scope) => ({
      claims: claimsByScope[scope as keyof typeof claimsByScope].filter((claim) => !claim.includes('verified')),
      purpose: policy.purposes[scope] ?? null
    })),
    apis: showApis(apis, locale),
    self: `${devicePath}?user_code=${userCode}`
  }
}
