/**
 * Changes: further members of an introspection response (RFC 7662 §2.2), and its scope, as they are at this moment.
 *
 * Reason: `extraTokenClaims` is asked when a token is issued, and its answer is stored with it. No hook is asked at
 * introspection but `allowedPolicy`, which decides before the library writes the answer.
 *
 * Relies on: lib/actions/introspection.js (copies `token.extra` and `token.scope` after `allowedPolicy`);
 * oidc-provider 9.13.3.
 */
interface Introspected {
  scope?: string | undefined
  extra?: Record<string, unknown> | undefined
}

export function setIntrospectionClaims (token: Introspected, claims: Record<string, unknown>): void {
  token.extra = { ...token.extra, ...claims }
}

/** Only in the response: the token is not saved. */
export function narrowScope (token: Introspected, scope: string): void {
  token.scope = scope
}
