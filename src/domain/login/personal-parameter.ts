/** Which parameters of an authorization request name nobody, so they may be stored as they are. */
const impersonal = new Set([
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  // the site promises that this value means something to itself only (RFC 6749 §4.1.1)
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'acr_values',
  'max_age',
  'prompt',
  'display',
  'resource',
  // one type, which names an organization (RFC 9396)
  'authorization_details',
  'ui_locales',
  'claims_locales',
  'dpop_jkt'
])

export function isPersonalParameter (name: string, value: unknown): boolean {
  if (name === 'claims') return claimsNamePerson(value)
  return !impersonal.has(name)
}

/**
 * The `claims` parameter may ask for values, of `sub` for instance (OIDC Core §5.5.1). Those of `acr` name a level;
 * what cannot be read may hold anything.
 */
function claimsNamePerson (value: unknown): boolean {
  try {
    const claims: unknown = typeof value === 'string' ? JSON.parse(value) : value
    return hasValue(claims)
  } catch {
    return true
  }
}

function hasValue (value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(
    ([name, item]) => name === 'value' || name === 'values' || (name !== 'acr' && hasValue(item))
  )
}
