/**
 * The library's provider, with one difference (JARM §2): a client that takes signed authorization responses only gets
 * errors signed too, also those of requests that ask for no response mode, or for one that is not the client's.
 */
import { Provider } from 'oidc-provider'
import { wantsSignedResponses } from '../domain/client/signing.ts'

type Handler = Parameters<Provider['registerResponseMode']>[1]

/** Modes whose answers anybody could have written. */
const plain = new Set(['query', 'form_post', 'fragment'])

/** How long a signed response is good; the library says so. */
export const signedResponseSeconds = 120

// by provider: modes are registered before a field of this class exists
const signers = new WeakMap<Provider, Handler>()

export class KoraProvider extends Provider {
  override registerResponseMode (name: string, handler: Handler): void {
    // after the plain ones
    if (name === 'jwt') signers.set(this, handler.bind(this))
    super.registerResponseMode(name, plain.has(name) ? signedWhereWanted(this, name, handler.bind(this)) : handler)
  }
}

function signedWhereWanted (provider: Provider, name: string, handler: Handler): Handler {
  return (ctx, redirectUri, payload) => {
    const signed = signers.get(provider)
    const { client, params } = ctx.oidc
    if (
      signed === undefined ||
      params === undefined ||
      !wantsSignedResponses((client as { responseModes?: unknown } | undefined)?.responseModes)
    ) {
      return handler(ctx, redirectUri, payload)
    }
    params['response_mode'] = name === 'form_post' ? 'form_post.jwt' : 'jwt'
    return signed(ctx, redirectUri, payload)
  }
}
