/**
 * Scopes of the admin API (RFC 6749 §3.3). Only a client of kind machine that signs (private_key_jwt) may have any,
 * each given by hand in its policy (`adminScopes`); none is given through the API itself.
 */
export const adminScopes = [
  'kora.clients:read',
  'kora.clients:write',
  'kora.people:read',
  'kora.people:write',
  'kora.organizations:read',
  'kora.organizations:write',
  'kora.delegations:read',
  'kora.delegations:write',
  'kora.keys:read',
  'kora.keys:write',
  'kora.audit:read'
] as const

export type AdminScope = (typeof adminScopes)[number]

/** Identifier of the admin API as a resource server (RFC 8707). */
export const adminApiResource = (issuer: string): string => `${issuer}/admin/api`

/** The scopes that a stored policy gives, without unknown ones. */
export function readAdminScopes (policy: unknown): AdminScope[] {
  const given =
    typeof policy === 'object' && policy !== null ? (policy as { adminScopes?: unknown }).adminScopes : undefined
  return Array.isArray(given) ? adminScopes.filter((scope) => given.includes(scope)) : []
}
