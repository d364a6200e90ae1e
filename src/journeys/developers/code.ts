/** 接入代码: the snippets for what somebody types. A plain GET form: nothing is stored, no client is looked up. */
import type { FastifyInstance } from 'fastify'
import type { Config } from '../../ports/config.ts'
import type { BuildLayout, DeveloperLayout } from './index.ts'
import { makeSnippets, type SnippetClient, type Snippet } from './snippets/index.ts'

export interface CodePage extends DeveloperLayout {
  title: string
  values: { client_id: string; redirect_uri: string; post_logout_redirect_uri: string; scope: string; public: boolean }
  faults: Array<{ field: string; text: string }>
  snippets: Snippet[]
}

declare module '../../http/pages.ts' {
  interface Pages {
    'developers/code': CodePage
  }
}

const example = {
  client_id: 'my-site',
  redirect_uri: 'http://localhost:8080/callback',
  post_logout_redirect_uri: 'http://localhost:8080/logged-out',
  scope: 'openid profile'
}

export function registerCode (
  app: FastifyInstance,
  { config }: { config: Pick<Config, 'issuer'> },
  frameOf: BuildLayout
): void {
  app.get('/developers/code', async (request, reply) => {
    const frame = frameOf(request, 'code')
    const query = request.query as Record<string, unknown>
    const typed = Object.keys(example).some((name) => typeof query[name] === 'string')
    const given = (name: keyof typeof example): string =>
      typeof query[name] === 'string' ? query[name].trim().slice(0, 500) : typed ? '' : example[name]
    const values = {
      client_id: given('client_id'),
      redirect_uri: given('redirect_uri'),
      post_logout_redirect_uri: given('post_logout_redirect_uri'),
      scope: given('scope'),
      public: query['public'] === '1'
    }
    const client: SnippetClient = {
      clientId: values.client_id,
      redirectUri: values.redirect_uri,
      postLogoutRedirectUri: values.post_logout_redirect_uri === '' ? null : values.post_logout_redirect_uri,
      scope: values.scope,
      confidential: !values.public,
      refresh: false
    }
    const made = makeSnippets(config.issuer, client, frame.lang)
    return reply.page(
      'developers/code',
      {
        ...frame,
        title: frame.w.code,
        values,
        faults: made.ok ? [] : made.faults.map(({ field, code }) => ({ field, text: frame.w[code] })),
        snippets: made.ok ? made.snippets : []
      },
      { status: made.ok ? 200 : 400 }
    )
  })
}
