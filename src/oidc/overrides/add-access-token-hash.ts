/**
 * `at_hash` in ID tokens of the code flow, where it is optional and the library leaves it out (OIDC Core §3.1.3.6): a
 * site that was given somebody else's access token with its own ID token notices.
 */
import type { Provider } from 'oidc-provider'

interface AccessTokenModel {
  prototype: { save(): Promise<string> }
}
interface IdTokenModel {
  prototype: {
    ctx: object
    set(name: string, value: unknown): void
    issue(options: { use?: string }): Promise<string>
  }
}

/** Must be called for each provider built, before it serves. */
export function attachAccessTokenHash (provider: Provider): void {
  const accessToken = (provider.AccessToken as unknown as AccessTokenModel).prototype
  const idToken = (provider.IdToken as unknown as IdTokenModel).prototype
  // by request: the access token is saved before the ID token beside it is issued
  const issued = new WeakMap<object, string>()
  const { save } = accessToken
  const { issue } = idToken

  accessToken.save = async function () {
    const value = await save.call(this)
    const ctx = (provider.constructor as typeof Provider).ctx
    if (ctx !== undefined) issued.set(ctx, value)
    return value
  }

  idToken.issue = async function (options) {
    const value = options.use === 'idtoken' ? issued.get(this.ctx) : undefined
    if (value !== undefined) this.set('at_hash', value)
    return await issue.call(this, options)
  }
}
