/**
 * Changes: `AccessToken#save` remembers the token that a response carries, `IdToken#issue` adds its `at_hash`.
 *
 * Reason: in the code flow `at_hash` is optional (OIDC Core §3.1.3.6) and the library leaves it out. With it, a site
 * notices an access token of somebody else beside its own ID token. The library has no hook between the two tokens.
 *
 * Relies on: lib/models/base_token.js (`save` resolves to the token), lib/models/id_token.js (`issue` hashes
 * `extra.at_hash`), lib/helpers/grant_common.js (saves the access token first); oidc-provider 9.13.3.
 */
import { Provider, type AccessToken, type IdToken } from 'oidc-provider'

export function addAccessTokenHash (provider: Provider): void {
  const accessToken = provider.AccessToken.prototype
  const idToken = provider.IdToken.prototype
  const issued = new WeakMap<object, string>()
  const { save } = accessToken
  const { issue } = idToken

  accessToken.save = async function (this: AccessToken) {
    const value = await save.call(this)
    const { ctx } = Provider
    if (ctx !== undefined) issued.set(ctx, value)
    return value
  }

  idToken.issue = async function (this: IdToken, options) {
    const value = options.use === 'idtoken' ? issued.get(this.ctx) : undefined
    if (value !== undefined) this.set('at_hash', value)
    return await issue.call(this, options)
  }
}
