/** A relying site in one process, as `kora code` needs it: discovery, one login through the browser, tokens checked. */
import { createServer } from 'node:http'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify, type JWTPayload, type JWTHeaderParameters } from 'jose'
import { authorizationRequest } from '../journeys/developers/index.ts'

/** A fault or refusal of the other side; `code` is an OAuth error where there is one. */
export class CodeFlowError extends Error {
  readonly code: string
  constructor (code: string, message: string) {
    super(message)
    this.name = 'CodeFlowError'
    this.code = code
  }
}

export interface Metadata {
  issuer: string
  authorization_endpoint: string
  token_endpoint: string
  userinfo_endpoint: string
  jwks_uri: string
  end_session_endpoint?: string
  id_token_signing_alg_values_supported?: string[]
}

export interface CodeFlowOptions {
  issuer: string
  clientId: string
  /** Undefined: a public client. */
  secret: string | undefined
  scope: string
  /** 0 = any free one. */
  port: number
  /** Further parameters of the request. */
  more: Record<string, string>
  timeoutMs: number
  /** Called with the address to open as soon as the answer can be received; what it throws ends the flow. */
  onAddress: (url: string, redirectUri: string) => Promise<void>
}

export interface CodeFlowResult {
  metadata: Metadata
  redirectUri: string
  tokens: {
    access_token: string
    token_type: string
    expires_in: number
    scope?: string
    id_token: string
    refresh_token?: string
  }
  idToken: { header: JWTHeaderParameters; claims: JWTPayload }
  userinfo: Record<string, unknown>
}

async function json<T> (what: string, url: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(15_000), redirect: 'error' }).catch(
    (error: unknown) => {
      throw new CodeFlowError(
        'unreachable',
        `${what}: ${url} cannot be reached (${(error as Error & { cause?: { code?: string } }).cause?.code ?? (error as Error).message}).`
      )
    }
  )
  const body = (await response.json().catch(() => null)) as (T & { error?: string; error_description?: string }) | null
  if (response.ok && body !== null) return body
  throw new CodeFlowError(
    body?.error ?? 'unexpected',
    `${what}: ${response.status} ${body?.error ?? 'not JSON'}${body?.error_description === undefined ? '' : ` (${body.error_description})`}`
  )
}

/** OIDC Discovery §4.3: the document must be about the issuer asked for. */
async function discover (issuer: string): Promise<Metadata> {
  const metadata = await json<Metadata>('discovery', `${issuer}/.well-known/openid-configuration`)
  if (metadata.issuer !== issuer) {
    throw new CodeFlowError(
      'issuer',
      `discovery: the document is about ${metadata.issuer}, not about ${issuer}. Use --issuer ${metadata.issuer}`
    )
  }
  return metadata
}

/** One login. Every fault on the way is a CodeFlowError. */
export async function codeFlow (options: CodeFlowOptions): Promise<CodeFlowResult> {
  const metadata = await discover(options.issuer)
  const server = createServer()
  const listening = new Promise<number>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new CodeFlowError('port', `port ${options.port}: ${error.message}`))
    })
    server.listen(options.port, '127.0.0.1', () => {
      resolve((server.address() as { port: number }).port)
    })
  })
  const redirectUri = `http://127.0.0.1:${await listening}/callback`
  const request = authorizationRequest(
    metadata.authorization_endpoint,
    { clientId: options.clientId, redirectUri, scope: options.scope },
    options.more
  )
  let timer: NodeJS.Timeout | undefined
  try {
    const answer = await new Promise<URL>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new CodeFlowError('timeout', `nobody came back in ${options.timeoutMs / 1000} s.`))
      }, options.timeoutMs)
      server.on('request', (incoming, response) => {
        const url = new URL(incoming.url ?? '/', redirectUri)
        response.setHeader('connection', 'close')
        response.setHeader('content-type', 'text/plain; charset=utf-8')
        // another page, or an answer to a request that was not ours
        if (url.pathname !== '/callback') {
          response.writeHead(404).end('not here\n')
          return
        }
        if (url.searchParams.get('state') !== request.state) {
          response.writeHead(400).end('state does not fit: use the address that kora code printed\n')
          return
        }
        response.end('OK. 请回到终端。Go on in the terminal.\n')
        resolve(url)
      })
      options.onAddress(request.url, redirectUri).catch(reject)
    })
    const parameter = (name: string): string => answer.searchParams.get(name) ?? ''
    if (parameter('iss') !== options.issuer) {
      throw new CodeFlowError(
        'iss',
        `the answer is from ${parameter('iss') || 'nobody'} (RFC 9207), not from ${options.issuer}.`
      )
    }
    if (parameter('error') !== '') {
      throw new CodeFlowError(
        parameter('error'),
        `the login ended with ${parameter('error')}${parameter('error_description') === '' ? '' : ` (${parameter('error_description')})`}`
      )
    }

    const tokens = await json<CodeFlowResult['tokens']>('token endpoint', metadata.token_endpoint, {
      method: 'POST',
      headers:
        options.secret === undefined
          ? {}
          : {
              authorization: `Basic ${Buffer.from(`${encodeURIComponent(options.clientId)}:${encodeURIComponent(options.secret)}`).toString('base64')}`
            },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: parameter('code'),
        redirect_uri: redirectUri,
        code_verifier: request.verifier,
        ...(options.secret === undefined ? { client_id: options.clientId } : {})
      })
    })
    const claims = await checkIdToken({
      metadata,
      clientId: options.clientId,
      idToken: tokens.id_token,
      nonce: request.nonce
    })
    const userinfo = await json<Record<string, unknown>>('userinfo', metadata.userinfo_endpoint, {
      headers: { authorization: `Bearer ${tokens.access_token}` }
    })
    if (userinfo['sub'] !== claims.sub) {
      throw new CodeFlowError('sub', 'userinfo is about somebody else than the ID token (OIDC Core §5.3.2).')
    }
    return {
      metadata,
      redirectUri,
      tokens,
      idToken: { header: decodeProtectedHeader(tokens.id_token) as JWTHeaderParameters, claims },
      userinfo
    }
  } finally {
    clearTimeout(timer)
    server.close()
    server.closeAllConnections()
  }
}

interface CheckIdTokenInput {
  metadata: Metadata
  clientId: string
  idToken: string
  nonce: string
}

/** OIDC Core §3.1.3.7. */
async function checkIdToken ({ metadata, clientId, idToken, nonce }: CheckIdTokenInput): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(idToken, createRemoteJWKSet(new URL(metadata.jwks_uri)), {
      issuer: metadata.issuer,
      audience: clientId,
      algorithms: metadata.id_token_signing_alg_values_supported ?? ['RS256'],
      clockTolerance: 10
    })
    if (payload['nonce'] !== nonce) throw new Error('nonce does not fit')
    return payload
  } catch (error) {
    throw new CodeFlowError('id_token', `the ID token is not good: ${(error as Error).message}.`)
  }
}
