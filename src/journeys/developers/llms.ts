/** /llms.txt: what a program that reads documentation should know first, with links to the rest. Plain Markdown. */
import type { Config } from '../../ports/config.ts'
import { buildHref, type Documents } from './documents.ts'
import { duration, listEndpoints } from './facts.ts'
import { lifetimes } from '../../oidc/configuration.ts'
import { scopes } from '../../domain/claims/claims.ts'

export function llmsText ({ issuer }: Pick<Config, 'issuer'>, documents: Documents): string {
  const endpoints = listEndpoints(issuer)
  return `# Kora

> OAuth 2.0 / OpenID Connect identity provider for government single sign-on (统一身份认证). Issuer: ${issuer}

- Authorization code flow with PKCE S256 for every client, also those with a secret. No implicit, hybrid or password grant.
- redirect_uri must be sent and equals a registered one to the character.
- ID tokens are signed with ES256 (RS256 for clients registered so). Access tokens are opaque unless a resource server asks for JWT.
- A token for an API: send \`resource\` (RFC 8707). The client must be granted the API and the scope, else invalid_target or invalid_scope.
- \`sub\` is the natural person. \`representation\` in the ID token says in whose name the person acts: self, legal_representative or agent of an organization.
- Scopes: ${scopes.join(' ')}. Everything but the claims of openid comes from userinfo.
- Codes live ${duration(lifetimes.authorizationCode, 'en')}, access tokens ${duration(lifetimes.accessToken, 'en')}, refresh tokens ${duration(lifetimes.refreshToken, 'en')}.
- Discovery: ${endpoints['discovery'] ?? ''}

## Documents

${documents.entries.map((entry) => `- [${documents.title(entry, 'en')}](${issuer}${buildHref(entry.slug)}?lang=en): ${documents.summary(entry, 'en')}`).join('\n')}
`
}
