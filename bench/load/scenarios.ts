/**
 * The flows. Each prepares its connections (logins, tokens: not measured) and gives for each of them one step
 * to repeat; a step ends with the number of requests it sent, and throws when an answer is not the right one.
 */
import { authorizationPath, basic, Browser, codeOf, form, get, post, verifier } from './browser.ts'
import type { Answer, Connection } from './connection.ts'
import type { Target } from './target.ts'

export type Step = () => Promise<number>
export type FlowName = 'cc-opaque' | 'cc-jwt' | 'introspection' | 'userinfo' | 'refresh' | 'sso' | 'login'

type Prepare = (target: Target, connection: Connection, at: number) => Promise<Step>

export const scenarios: Record<FlowName, Prepare> = {
  'cc-opaque': async (target, connection) =>
    repeat(connection, machineRequest(target, target.clients.machine.opaque), '"access_token"'),
  'cc-jwt': async (target, connection) =>
    repeat(connection, machineRequest(target, target.clients.machine.jwt), '"access_token"'),

  introspection: async (target, connection, at) => {
    const { access } = await firstTokens(target, connection, at)
    const { id, secret } = target.clients.resource
    const body = form({ token: access, token_type_hint: 'access_token' })
    return repeat(
      connection,
      post(target, target.paths.introspection, body, { Authorization: basic(id, secret) }),
      '"active":true'
    )
  },

  userinfo: async (target, connection, at) => {
    const { access } = await firstTokens(target, connection, at)
    return repeat(connection, get(target, target.paths.userinfo, { Authorization: `Bearer ${access}` }), '"sub"')
  },

  refresh: async (target, connection, at) => {
    const { app } = target.clients
    const browser = new Browser(target, connection, addressOf(at))
    const code = await browser.login(app, accountOf(target, at))
    const first = await token(target, connection, {
      grant_type: 'authorization_code',
      client_id: app.id,
      code,
      redirect_uri: app.redirectUri,
      code_verifier: verifier
    })
    let current = field(first, 'refresh_token')
    return async () => {
      current = field(
        await token(target, connection, { grant_type: 'refresh_token', client_id: app.id, refresh_token: current }),
        'refresh_token'
      )
      return 1
    }
  },

  sso: async (target, connection, at) => {
    const { site } = target.clients
    const browser = new Browser(target, connection, addressOf(at))
    await browser.login(site, accountOf(target, at))
    const path = authorizationPath(target, site)
    const authorize = get(target, path, { Cookie: browser.cookiesFor(target.paths.authorization) })
    return async () => {
      await redeem(target, connection, codeOf(await connection.send(authorize)))
      return 2
    }
  },

  login: async (target, connection, at) => {
    const { site } = target.clients
    let turn = at
    return async () => {
      // a browser never seen before, somewhere else each time
      const browser = new Browser(target, connection, addressOf((turn += 1000)))
      await redeem(target, connection, await browser.login(site, accountOf(target, at)))
      return browser.requests + 1
    }
  }
}

const accountOf = (target: Target, at: number): Target['accounts'][number] =>
  target.accounts[at % target.accounts.length] as Target['accounts'][number]

/** Addresses of the documentation of benchmarks (RFC 2544), one network for each number. */
const addressOf = (number: number): string =>
  `198.${18 + ((number >> 8) % 2)}.${number % 256}.${1 + ((number >> 9) % 250)}`

function machineRequest (target: Target, resource: string): string {
  const { id, secret, scope } = target.clients.machine
  return post(target, target.paths.token, form({ grant_type: 'client_credentials', scope, resource }), {
    Authorization: basic(id, secret)
  })
}

function repeat (connection: Connection, request: string, expected: string): Step {
  return async () => {
    expect(await connection.send(request), expected)
    return 1
  }
}

function expect (answer: Answer, text: string): Answer {
  if (answer.status !== 200 || !answer.body.includes(text)) {
    throw new Error(`${answer.status} ${answer.body.slice(0, 300)}`)
  }
  return answer
}

async function token (
  target: Target,
  connection: Connection,
  fields: Record<string, string>,
  headers: Record<string, string> = {}
): Promise<Answer> {
  return expect(await connection.send(post(target, target.paths.token, form(fields), headers)), '"access_token"')
}

async function redeem (target: Target, connection: Connection, code: string): Promise<Answer> {
  const { id, secret, redirectUri } = target.clients.site
  return await token(
    target,
    connection,
    { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
    { Authorization: basic(id, secret) }
  )
}

async function firstTokens (target: Target, connection: Connection, at: number): Promise<{ access: string }> {
  const browser = new Browser(target, connection, addressOf(at))
  return {
    access: field(
      await redeem(target, connection, await browser.login(target.clients.site, accountOf(target, at))),
      'access_token'
    )
  }
}

/** A text value in a flat JSON answer, without parsing all of it. */
function field ({ body }: Answer, name: string): string {
  const value = new RegExp(`"${name}":"([^"]+)"`).exec(body)?.[1]
  if (value === undefined) throw new Error(`no ${name} in the answer`)
  return value
}
