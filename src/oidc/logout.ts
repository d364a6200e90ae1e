/**
 * The pages of logout (RP-Initiated Logout 1.0) and the delivery of logout tokens. One transaction ends a session with
 * its tokens and queues the logout tokens; a worker delivers them with retries (docs/protocol.md).
 */
import type { LogoutDelivery } from '../records/sessions/index.ts'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Renderer } from '../http/rendering.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import type { NamedLink } from '../http/pages.ts'
import { readPolicy } from './interaction-policy.ts'
import { writePage } from './error-pages.ts'
import { endSessionNow } from './overrides/end-session-now.ts'
import { queueBackchannelLogout } from './overrides/queue-backchannel-logout.ts'

/**
 * `form` is the library's hidden form with its token against forged requests; the buttons of the page belong to it by
 * `formId`.
 */
export interface LogoutConfirmPage {
  form: string
  formId: string
  /** Names of the sites at which the session ends. */
  sites: string[]
  /** 不退出，返回 X. */
  back: NamedLink | null
}

export interface LogoutDonePage {
  /** `notified` false: the site could not be reached, so the person signs out there. */
  sites: Array<{ name: string; notified: boolean }>
  next: NamedLink | null
}

declare module '../http/pages.ts' {
  interface Pages {
    'oidc/logout-confirm': LogoutConfirmPage
    'oidc/logout-done': LogoutDonePage
  }
}

export function createLogoutPages (renderer: Renderer) {
  return {
    /** A valid `id_token_hint` of the person signed in here needs no confirmation. */
    async logoutSource (ctx: KoaContextWithOIDC, form: string): Promise<void> {
      if (await hintNamesSession(ctx)) {
        await endSessionNow(ctx)
        return
      }
      const { session, provider, client } = ctx.oidc
      const sites: string[] = []
      for (const clientId of Object.keys(session?.authorizations ?? {})) {
        const site = await provider.Client.find(clientId)
        if (site) sites.push(clientPolicy(readPolicy(site)).names['zh-CN'] || clientId)
      }
      const home = client === undefined ? undefined : clientPolicy(readPolicy(client))
      writePage(renderer, ctx, {
        name: 'oidc/logout-confirm',
        model: {
        // a button of the page adds `logout=yes` to it
          form,
          formId: 'op.logoutForm',
          sites,
          back: home?.homeUri === undefined ? null : { href: home.homeUri, name: home.names['zh-CN'], lang: 'zh-CN' }
        }
      })
    },

    async postLogoutSuccessSource (ctx: KoaContextWithOIDC): Promise<void> {
      const policy = ctx.oidc.client === undefined ? undefined : clientPolicy(readPolicy(ctx.oidc.client))
      writePage(renderer, ctx, {
        name: 'oidc/logout-done',
        model: {
          sites: [],
          next:
          policy?.homeUri === undefined ? null : { href: policy.homeUri, name: policy.names['zh-CN'], lang: 'zh-CN' }
        }
      })
    }
  }
}

async function hintNamesSession (ctx: KoaContextWithOIDC): Promise<boolean> {
  const { session, client, provider } = ctx.oidc
  const hint = ctx.oidc.entities.IdTokenHint
  if (hint === undefined || client === undefined || session?.accountId === undefined) return false
  const claims = new provider.Claims({ sub: session.accountId }, { ctx, client })
  claims.scope('openid')
  return (await claims.result())['sub'] === hint.payload['sub']
}

/** Delivers logout tokens for the worker. Within a request the library delivers none. */
export function createLogoutDelivery (provider: Provider): (delivery: LogoutDelivery) => Promise<void> {
  const post = queueBackchannelLogout(provider)
  return async ({ clientId, accountId, sid }) => {
    const client = await provider.Client.find(clientId)
    if (client?.backchannelLogoutUri === undefined) return
    await post(client, accountId, sid)
  }
}
