/**
 * Changes: signs out where the library would show its confirmation.
 *
 * Reason: with a valid `id_token_hint` of the person signed in here there is nothing to confirm (RP-Initiated Logout
 * 1.0 §2). The library always renders `logoutSource` and signs out by a form that it posts to itself.
 *
 * Relies on: lib/actions/end_session.js (what its `confirm` does: the cookie, `end_session.success`, the route
 * `end_session_success`), lib/models/session.js (`destroy` marks the session, so that lib/shared/session.js does not
 * save it again); oidc-provider 9.13.3.
 */
import type { KoaContextWithOIDC } from 'oidc-provider'

export async function endSessionNow (ctx: KoaContextWithOIDC): Promise<void> {
  const { session, provider, params } = ctx.oidc
  const target = typeof params?.['post_logout_redirect_uri'] === 'string' ? params['post_logout_redirect_uri'] : null
  await session?.destroy()
  ctx.oidc.cookies.set(provider.cookieName('session'), null, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: provider.issuer.startsWith('https:')
  })
  provider.emit('end_session.success', ctx)
  const location = new URL(target ?? ctx.oidc.urlFor('end_session_success'))
  if (target !== null && typeof params?.['state'] === 'string') location.searchParams.set('state', params['state'])
  ctx.status = 303
  ctx.redirect(location.href)
}
