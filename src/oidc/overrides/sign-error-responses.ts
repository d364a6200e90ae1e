/**
 * Changes: a client that takes signed authorization responses only gets errors signed too (JARM §2), also those of
 * requests that ask for no response mode, or for one that is not the client's.
 *
 * Reason: the library answers such a request with the default mode, unsigned. `registerResponseMode` keeps the first
 * handler of a name, so the library's own handlers can only be wrapped while it registers them.
 *
 * Relies on: lib/helpers/initialize_app.js (registers the plain modes, then `jwt`, in the constructor),
 * lib/response_modes/jwt.js (reads `params.response_mode`), lib/shared/authorization_error_handler.js (looks handlers
 * up by name); oidc-provider 9.13.3.
 */
import { Provider } from 'oidc-provider'
import { wantsSignedResponses } from '../../domain/client/signing.ts'

type Handler = Parameters<Provider['registerResponseMode']>[1]

/** Modes whose answers are not signed. */
const plain = new Set(['query', 'form_post', 'fragment'])

// by provider: the library registers modes before fields of a subclass exist
const signers = new WeakMap<Provider, Handler>()

export class KoraProvider extends Provider {
  override registerResponseMode (name: string, handler: Handler): void {
    if (name === 'jwt') signers.set(this, handler.bind(this))
    super.registerResponseMode(name, plain.has(name) ? signWhereWanted(this, name, handler.bind(this)) : handler)
  }
}

function signWhereWanted (provider: Provider, name: string, handler: Handler): Handler {
  return (ctx, redirectUri, payload) => {
    const signed = signers.get(provider)
    const { client, params } = ctx.oidc
    if (signed === undefined || params === undefined || !wantsSignedResponses(client?.responseModes)) {
      return handler(ctx, redirectUri, payload)
    }
    params['response_mode'] = name === 'form_post' ? 'form_post.jwt' : 'jwt'
    return signed(ctx, redirectUri, payload)
  }
}
