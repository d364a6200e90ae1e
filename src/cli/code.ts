/**
 * kora code: a built-in relying site. Runs one code flow with PKCE through the browser and prints what a site gets:
 * the checked ID token, userinfo, and how to continue. Needs no database, only a Kora that can be reached.
 */
import { isErrorCode } from '../journeys/developers/index.ts'
import { readArguments } from './arguments.ts'
import { CodeFlowError, codeFlow, type CodeFlowResult } from './code-flow.ts'
import { walk } from './sandbox-person.ts'
import { printLine } from './print.ts'

type Print = (line: string) => void
export interface Output {
  out: Print
  progress: Print
}

const usage = `kora code [--issuer <address>] [--client-id demo-public] [--scope "openid profile"] [--acr-values <acr>]
       [--prompt <prompt>] [--max-age <seconds>] [--port <port>] [--timeout <seconds>] [--sandbox-person <handle>] [--json]

  The client's address must be http://127.0.0.1:<port>/callback (native clients: any port). A client with a secret
  gives it in the environment variable OIDC_CLIENT_SECRET.

  kora code                                              sign in at http://localhost:3000 as the demo client
  kora code --sandbox-person zhaxi --json                the same, done by a person of the sandbox
  kora code --issuer https://sso.example.gov.cn --client-id my-site --port 8080 --acr-values urn:kora:loa:3`

const options = {
  issuer: { type: 'string' },
  'client-id': { type: 'string', default: 'demo-public' },
  scope: { type: 'string', default: 'openid profile' },
  'acr-values': { type: 'string', default: '' },
  prompt: { type: 'string', default: '' },
  'max-age': { type: 'string', default: '' },
  port: { type: 'string', default: '0' },
  timeout: { type: 'string', default: '300' },
  'sandbox-person': { type: 'string' },
  json: { type: 'boolean', default: false }
} as const

/** @returns exit code: 0 tokens came, 1 refused or not reachable, 2 wrong use */
export async function runCode (
  args: string[],
  { out, progress }: Output = { out: printLine, progress: console.error },
  env: Readonly<Record<string, string | undefined>> = process.env
): Promise<number> {
  const wrong = (problem: string): number => {
    progress(`${problem}\nUsage: ${usage}`)
    return 2
  }
  let values
  try {
    ;({ values } = readArguments(args, { options, identifiers: ['client-id', 'sandbox-person'] }))
  } catch (error) {
    return wrong((error as Error).message)
  }
  const issuer = (values.issuer ?? env['ISSUER'] ?? `http://localhost:${env['PORT'] ?? '3000'}`).replace(/\/$/, '')
  if (!/^https?:$/.test(URL.parse(issuer)?.protocol ?? '')) return wrong(`--issuer "${issuer}" is not an address.`)
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65535) {
    return wrong(`--port "${values.port}" is not a port.`)
  }
  if (!/^[1-9]\d{0,4}$/.test(values.timeout)) return wrong(`--timeout "${values.timeout}" is not a number of seconds.`)
  if (!values.scope.split(' ').includes('openid')) {
    return wrong('--scope must contain openid: without it there is no ID token.')
  }
  const person = values['sandbox-person']
  try {
    const result = await codeFlow({
      issuer,
      clientId: values['client-id'],
      secret: env['OIDC_CLIENT_SECRET'],
      scope: values.scope,
      port: Number(values.port),
      more: { acr_values: values['acr-values'], prompt: values.prompt, max_age: values['max-age'] },
      timeoutMs: Number(values.timeout) * 1000,
      async onAddress (url, redirectUri) {
        progress(
          person === undefined
            ? `Open in a browser:\n\n  ${url}\n\nWaiting at ${redirectUri} …`
            : `${person} signs in: ${url}`
        )
        if (person !== undefined) await walk(issuer, url, person)
      }
    })
    if (values.json) out(JSON.stringify(buildDocument(values['client-id'], result), null, 2))
    else {
      show({
        out,
        clientId: values['client-id'],
        confidential: env['OIDC_CLIENT_SECRET'] !== undefined,
        codeFlowResult: result
      })
    }
    return 0
  } catch (error) {
    if (!(error instanceof CodeFlowError)) throw error
    progress(`${error.message}\n${issuer}/developers/errors${isErrorCode(error.code) ? `#${error.code}` : ''}`)
    if (values.json) out(JSON.stringify({ error: error.code, message: error.message }))
    return 1
  }
}

/** One document for scripts: what the library of a site would hand over. */
const buildDocument = (
  clientId: string,
  { metadata, redirectUri, tokens, idToken, userinfo }: CodeFlowResult
): Record<string, unknown> => ({
  issuer: metadata.issuer,
  client_id: clientId,
  redirect_uri: redirectUri,
  tokens,
  id_token: idToken,
  userinfo
})

interface ShowInput {
  out: Print
  clientId: string
  confidential: boolean
  codeFlowResult: CodeFlowResult
}

function show ({
  out,
  clientId,
  confidential,
  codeFlowResult: { metadata, tokens, idToken, userinfo }
}: ShowInput): void {
  const block = (title: string, value: unknown): void => {
    out(`\n${title}\n${JSON.stringify(value, null, 2)}`)
  }
  block('ID token, header', idToken.header)
  block('ID token, claims (signature, issuer, audience, nonce checked)', idToken.claims)
  block('userinfo', userinfo)
  out(
    `\naccess token   ${tokens.access_token}  (${tokens.expires_in} s${tokens.scope === undefined ? '' : `, ${tokens.scope}`})`
  )
  const secret = confidential ? `-u ${clientId}:$OIDC_CLIENT_SECRET` : `-d client_id=${clientId}`
  if (tokens.refresh_token !== undefined) {
    out(
      `refresh        curl ${secret} -d grant_type=refresh_token -d refresh_token=${tokens.refresh_token} ${metadata.token_endpoint}`
    )
  }
  if (metadata.end_session_endpoint !== undefined) {
    out(
      `logout         ${metadata.end_session_endpoint}?client_id=${encodeURIComponent(clientId)}&id_token_hint=${tokens.id_token}`
    )
  }
  out(`documentation  ${metadata.issuer}/developers`)
}

export const command = {
  summary: 'a relying site in the terminal: one login, tokens decoded',
  usage,
  run: async (args: string[]): Promise<number> => await runCode(args),
  // no database: the other side is reached as any site reaches it
  runAlone: async (args: string[]): Promise<number | null> => await runCode(args)
}
