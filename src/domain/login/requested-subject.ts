/**
 * The subjects that a site asks for: the person of its `id_token_hint` (OIDC Core §3.1.2.1), and values of `sub` in the
 * `claims` parameter (§5.5.1). Every list that is given must name the person; other people's tokens are never the
 * answer.
 */
export type RequestedSubjects = unknown[][]

/**
 * @param params of a request that was checked when it arrived: the signature of the hint is not verified again, and an
 *   expired one still names its person
 */
export function requestedSubjects (params: Record<string, unknown>): RequestedSubjects {
  const { id_token_hint: hint, claims: text } = params
  const lists: RequestedSubjects = []
  if (typeof hint === 'string') lists.push([readMember(readPayload(hint), 'sub')])
  const claims = typeof text === 'string' ? parse(text) : text
  for (const target of ['id_token', 'userinfo']) {
    const wanted = readMember(readMember(claims, target), 'sub')
    const { value, values } = (isObject(wanted) ? wanted : {}) as { value?: unknown; values?: unknown }
    if (value !== undefined) lists.push([value])
    if (values !== undefined) lists.push(Array.isArray(values) ? values : [values])
  }
  return lists
}

export const isRequestedSubject = (requested: RequestedSubjects, subject: string): boolean =>
  requested.every((list) => list.includes(subject))

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const readMember = (value: unknown, name: string): unknown =>
  isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined

const readPayload = (jwt: string): unknown =>
  parse(Buffer.from(jwt.split('.', 2)[1] ?? '', 'base64url').toString())

function parse (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
