/**
 * Kora as the relying site of a test login: it authenticates as the client in test does, pushes requests and binds
 * tokens where the client must.
 */
import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { canTestLogin, type ClientRecord } from '../../../domain/client/record.ts'
import { routes } from '../../../oidc/configuration.ts'
import { deriveTestLoginKey } from '../../../tokens/test-login-key.ts'
import type { ConsoleDeps } from '../deps.ts'
import { usesSecret } from '../../../records/clients/index.ts'
import type { ConsoleRequest } from '../console.ts'
import type { TestLoginPage } from './test-login.ts'

export const callbackPath = '/admin/trial/callback'

/** What is stored between the two requests of the browser. */
export interface Kept {
  clientId: string
  state: string
  nonce: string
  verifier: string
  secret: string | null
  at: number
}
type Step = TestLoginPage['steps'][number]
interface Answer {
  status: number
  answer: Record<string, unknown>
}

/** Why a client takes no test login; each is a message `clients.trial.not.<name>`. Null: it does. */
export function testLoginObstacle (
  client: ClientRecord
): 'status' | 'no_browser' | 'keys_elsewhere' | 'other_algorithm' | 'form_post' | 'certificate' | null {
  const {
    status,
    metadata: {
      redirect_uris: addresses = [],
      response_modes: modes,
      token_endpoint_auth_method: method,
      require_signed_request_object: signsRequests,
      jwks
    }
  } = client
  if (addresses.length === 0) return 'no_browser'
  if (status !== 'test') return 'status'
  if (modes !== undefined && !modes.includes('query')) return 'form_post'
  if (
    method === 'tls_client_auth' ||
    method === 'self_signed_tls_client_auth' ||
    client.metadata.tls_client_certificate_bound_access_tokens === true
  ) {
    return 'certificate'
  }
  if (method === 'private_key_jwt' || signsRequests === true) {
    return jwks === undefined ? 'keys_elsewhere' : otherAlgorithm(client) === null ? null : 'other_algorithm'
  }
  return canTestLogin(client) ? null : 'no_browser'
}

/** What the client signs with, where the test key cannot. */
export const otherAlgorithm = ({ metadata }: ClientRecord): string | null =>
  [metadata.token_endpoint_auth_signing_alg, metadata.request_object_signing_alg].find(
    (algorithm) => algorithm !== undefined && algorithm !== 'ES256'
  ) ?? null

const json = (value: unknown): string => JSON.stringify(value, null, 2)
/** Enough to recognize it, too little to use it. */
const short = (value: unknown): string =>
  typeof value === 'string' && value.length > 16 ? `${value.slice(0, 8)}…` : String(value)
const masked = (answer: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(answer).map(([name, value]) => [
      name,
      /^(?:access_token|refresh_token|id_token)$/.test(name) ? short(value) : value
    ])
  )
const spelled = (parameters: Record<string, string>): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name}=${value}`)
    .join('\n  &')

export interface TestLoginSite {
  /** Where the browser is sent; null with the step that failed when the request had to be pushed and was refused. */
  begin(): Promise<{ location: string } | { location: null; step: Step }>
  /** Everything after the login. `query`: what came back. */
  walk(query: Record<string, string>): Promise<Step[]>
}

export function createTestLoginSite (
  { config, crypto }: Pick<ConsoleDeps, 'config' | 'crypto'>,
  c: ConsoleRequest,
  { client, kept }: { client: ClientRecord; kept: Kept }
): TestLoginSite {
  const {
    metadata: {
      scope = 'openid',
      token_endpoint_auth_method: method,
      require_pushed_authorization_requests: pushes,
      require_signed_request_object: signs,
      dpop_bound_access_tokens: binds
    }
  } = client
  const callback = config.issuer + callbackPath
  const request: Record<string, string> = {
    client_id: client.clientId,
    response_type: 'code',
    redirect_uri: callback,
    scope: scope
      .split(' ')
      .filter((name) => name !== 'offline_access')
      .join(' '),
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: createHash('sha256').update(kept.verifier).digest('base64url'),
    code_challenge_method: 'S256'
  }

  /** How this client proves who it is (RFC 6749 §2.3.1, RFC 7523 §2.2); `curl`: the same for the reader. */
  async function proof (): Promise<{ headers: Record<string, string>; body: Record<string, string>; curl: string[] }> {
    if (method === 'none') {
      return { headers: {}, body: { client_id: client.clientId }, curl: [`-d client_id=${client.clientId}`] }
    }
    if (usesSecret(client.metadata) && method === 'client_secret_post') {
      return {
        headers: {},
        body: { client_id: client.clientId, client_secret: kept.secret ?? '' },
        curl: [`-d client_id=${client.clientId}`, '-d "client_secret=$OIDC_CLIENT_SECRET"']
      }
    }
    if (usesSecret(client.metadata)) {
      const pair = `${encodeURIComponent(client.clientId)}:${encodeURIComponent(kept.secret ?? '')}`
      return {
        headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
        body: {},
        curl: [`-u "${client.clientId}:$OIDC_CLIENT_SECRET"`]
      }
    }
    const { privateKey, publicJwk } = deriveTestLoginKey(crypto)
    const assertion = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid })
      .setIssuer(client.clientId)
      .setSubject(client.clientId)
      .setAudience(config.issuer)
      .setIssuedAt()
      .setExpirationTime('60s')
      .setJti(randomUUID())
      .sign(privateKey)
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    return {
      headers: {},
      body: { client_id: client.clientId, client_assertion_type: type, client_assertion: assertion },
      curl: [`-d client_assertion_type=${type}`, '-d client_assertion=$ASSERTION']
    }
  }

  /** The request as the client would sign it (RFC 9101 §4). */
  async function requestObject (): Promise<string> {
    const { privateKey, publicJwk } = deriveTestLoginKey(crypto)
    return await new SignJWT(request)
      .setProtectedHeader({ alg: 'ES256', kid: publicJwk.kid, typ: 'oauth-authz-req+jwt' })
      .setIssuer(client.clientId)
      .setAudience(config.issuer)
      .setIssuedAt()
      .setNotBefore('0s')
      .setExpirationTime('60s')
      .sign(privateKey)
  }

  return {
    async begin () {
      const made = signs === true ? { client_id: client.clientId, request: await requestObject() } : request
      if (pushes !== true) return { location: `${routes.authorization}?${new URLSearchParams(made).toString()}` }
      const { headers, body, curl } = await proof()
      const pushed = await ask({
        verb: 'POST',
        url: routes.pushed_authorization_request,
        headers,
        body: { ...made, ...body }
      })
      const { request_uri: reference } = pushed.answer
      if (typeof reference === 'string') {
        return {
          location: `${routes.authorization}?${new URLSearchParams({ client_id: client.clientId, request_uri: reference }).toString()}`
        }
      }
      return {
        location: null,
        step: {
          title: c.t('console.clients.trial.push'),
          ok: false,
          note: `HTTP ${pushed.status}`,
          curl: [`curl ${config.issuer}${routes.pushed_authorization_request}`, ...curl].join(' \\\n  '),
          answer: json(pushed.answer)
        }
      }
    },

    async walk (query) {
      const steps: Step[] = [
        {
          title: c.t(pushes === true ? 'console.clients.trial.push' : 'console.clients.trial.request'),
          ok: true,
          note: '',
          curl: null,
          answer: `${config.issuer}${pushes === true ? `${routes.pushed_authorization_request}\n  ` : `${routes.authorization}?\n  `}${spelled(request)}`
        }
      ]
      const good = query['state'] === kept.state && query['iss'] === config.issuer && query['error'] === undefined
      steps.push({
        title: c.t('console.clients.trial.callback'),
        ok: good,
        note: good ? c.t('console.clients.trial.callback.ok') : (query['error'] ?? 'state / iss'),
        curl: null,
        answer: json({ ...query, ...(query['code'] === undefined ? {} : { code: short(query['code']) }) })
      })
      if (!good || query['code'] === undefined) return steps

      const bound = binds === true ? await boundBy() : null
      const { headers, body, curl } = await proof()
      const token = await ask({
        verb: 'POST',
        url: routes.token,
        headers: { ...headers, ...(await bound?.header('POST', routes.token)) },
        body: {
          grant_type: 'authorization_code',
          code: query['code'],
          redirect_uri: callback,
          code_verifier: kept.verifier,
          ...body
        }
      })
      steps.push({
        title: c.t('console.clients.trial.token'),
        ok: token.status === 200,
        note: `HTTP ${token.status}`,
        curl: [
          `curl ${config.issuer}${routes.token}`,
          ...curl,
          ...(bound === null ? [] : ['-H "DPoP: $PROOF"']),
          '-d grant_type=authorization_code',
          '-d code=$CODE',
          `-d redirect_uri=${callback}`,
          '-d code_verifier=$VERIFIER'
        ].join(' \\\n  '),
        answer: json(masked(token.answer))
      })
      const { id_token: idToken, access_token: accessToken } = token.answer
      if (typeof idToken !== 'string' || typeof accessToken !== 'string') return steps

      const claims = decodeJwt(idToken)
      steps.push({
        title: c.t('console.clients.trial.id_token'),
        ok: claims['nonce'] === kept.nonce && claims.aud === client.clientId,
        note: 'iss, aud, nonce',
        curl: null,
        answer: json(claims)
      })
      const scheme = bound === null ? 'Bearer' : 'DPoP'
      const userinfo = await ask({
        verb: 'GET',
        url: routes.userinfo,
        headers: {
          authorization: `${scheme} ${accessToken}`,
          ...(await bound?.header('GET', routes.userinfo, accessToken))
        }
      })
      steps.push({
        title: c.t('console.clients.trial.userinfo'),
        ok: userinfo.status === 200,
        note: `HTTP ${userinfo.status}${bound === null ? '' : ` · DPoP jkt ${bound.thumbprint}`}`,
        curl: [
          `curl ${config.issuer}${routes.userinfo}`,
          `-H "Authorization: ${scheme} $ACCESS_TOKEN"`,
          ...(bound === null ? [] : ['-H "DPoP: $PROOF"'])
        ].join(' \\\n  '),
        answer: json(userinfo.answer)
      })
      return steps
    }
  }

  /** A key for this one trial, and proofs made with it (RFC 9449 §4). */
  async function boundBy (): Promise<{
    thumbprint: string
    header(htm: string, path: string, accessToken?: string): Promise<{ dpop: string }>
  }> {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    return {
      thumbprint: await calculateJwkThumbprint(jwk),
      async header (htm, path, accessToken) {
        const ath =
          accessToken === undefined ? {} : { ath: createHash('sha256').update(accessToken).digest('base64url') }
        return {
          dpop: await new SignJWT({ htm, htu: config.issuer + path, ...ath })
            .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
            .setIssuedAt()
            .setJti(randomUUID())
            .sign(privateKey)
        }
      }
    }
  }

  /** In this process, without network or certificate. */
  async function ask ({
    verb,
    url,
    headers,
    body
  }: {
    verb: 'GET' | 'POST'
    url: string
    headers: Record<string, string>
    body?: Record<string, string> | undefined
  }): Promise<Answer> {
    const response = await c.request.server.inject({
      method: verb,
      url,
      headers: {
        host: new URL(config.issuer).host,
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' })
      },
      ...(body === undefined ? {} : { payload: new URLSearchParams(body).toString() })
    })
    if (response.headers['content-type']?.toString().startsWith('application/jwt') === true) {
      return { status: response.statusCode, answer: decodeJwt(response.body) }
    }
    try {
      return { status: response.statusCode, answer: response.json<Record<string, unknown>>() }
    } catch {
      return { status: response.statusCode, answer: { error: response.body.slice(0, 200) } }
    }
  }
}
