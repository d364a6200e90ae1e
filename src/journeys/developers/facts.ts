/** What documents say about this deployment: their values, all from the running configuration. */
import type { Config } from '../../ports/config.ts'
import { acrValues } from '../../domain/identity/assurance.ts'
import { claimsByScope } from '../../domain/claims/claims.ts'
import { deviceCodeGrant } from '../../domain/client/record.ts'
import { trustFrameworks } from '../../domain/claims/verified-claims.ts'
import { tokenSeconds } from '../../domain/resource-server/record.ts'
import { limitOrganizationJwt } from '../../oidc/acting-for.ts'
import { lifetimes, responseModes, routes, signedResponseSeconds } from '../../oidc/configuration.ts'
import { requestObjectLimits } from '../../oidc/request-objects.ts'
import { pollSeconds } from '../../tokens/device-code-repository.ts'
import { devicePath } from '../../oidc/device-flow.ts'
import { errorsMarkdown } from './error-catalogue.ts'
import { claimExamples } from './examples.ts'
import { makeDeviceSnippet, makeSnippets, type DocLanguage, type SnippetClient } from './snippets/index.ts'
import { fill } from './snippets/template.ts'

export type DocumentConfig = Pick<
  Config,
  'issuer' | 'sandbox' | 'demoData' | 'relyingSitePort' | 'contact' | 'facePolicy'
>

/** Seconds in the largest unit that needs no fraction. */
export function duration (seconds: number, language: DocLanguage): string {
  const units = [
    [86_400, '天', ' days', ' day'],
    [3600, '小时', ' hours', ' hour'],
    [60, '分钟', ' minutes', ' minute'],
    [1, '秒', ' seconds', ' second']
  ] as const
  const [size, zh, many, one] =
    units.find(([unit]) => seconds % unit === 0 && seconds >= (unit === 60 ? 120 : unit)) ?? units[3]
  const n = seconds / size
  return language === 'en' ? `${n}${n === 1 ? one : many}` : `${n} ${zh}`
}

export const listEndpoints = (issuer: string): Record<string, string> => ({
  discovery: `${issuer}/.well-known/openid-configuration`,
  // clients never call the address to which the hosted login of a device returns
  ...Object.fromEntries(
    Object.entries(routes)
      .filter(([name]) => name !== 'code_verification')
      .map(([name, path]) => [name, `${issuer}${path}`])
  )
})

const purposes: Record<string, readonly [string, string]> = {
  discovery: ['发现文档：其余地址都在里面', 'discovery document: all other addresses are in it'],
  authorization: ['把浏览器送到这里登录', 'send the browser here to sign in'],
  token: ['用授权码或刷新令牌换令牌', 'codes and refresh tokens for tokens'],
  userinfo: ['用访问令牌取用户信息', 'claims for an access token'],
  jwks: ['验证签名的公钥', 'public keys for signatures'],
  introspection: ['资源服务查询令牌是否有效', 'resource servers ask whether a token is good'],
  revocation: ['作废令牌', 'end a token'],
  end_session: ['退出登录', 'sign out'],
  pushed_authorization_request: ['推送授权请求（PAR）', 'pushed authorization requests (PAR)'],
  device_authorization: ['没有浏览器的设备从这里开始登录', 'devices without a browser begin here']
}

const pick = (pair: readonly [string, string] | undefined, language: DocLanguage): string =>
  pair?.[language === 'en' ? 1 : 0] ?? ''

const levels: Record<string, readonly [string, string]> = {
  1: ['只知道手机号', 'known by phone only'],
  2: ['姓名和号码已与权威库核对', 'name and number checked against the register'],
  3: ['本次登录中核验了人脸，或用了窗口核验码', 'face checked in this login, or a counter code'],
  4: ['数字证书；目前不能在线达到', 'certificate; cannot be reached online yet']
}

const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`
const code = (text: string): string => `\`${text}\``

/** Values by name, for one language. */
export function collectFacts (config: DocumentConfig, language: DocLanguage): Record<string, string | boolean> {
  const { issuer } = config
  const en = language === 'en'
  const endpoints = listEndpoints(issuer)
  const time = (seconds: number): string => duration(seconds, language)
  // the value of the rule for a legal representative's JWT
  const organizationJwt = limitOrganizationJwt(lifetimes.accessToken, null)
  const head = (...cells: string[]): string[] => [row(...cells), row(...cells.map(() => '---'))]
  return {
    issuer,
    sandbox: config.sandbox && config.demoData,
    demo: config.demoData && config.relyingSitePort !== null,
    demoSite: `http://localhost:${config.relyingSitePort ?? 0}`,
    hotline: config.contact.hotline,
    email: config.contact.email,
    hasEmail: config.contact.email !== '',
    ...Object.fromEntries(Object.entries(endpoints).map(([name, url]) => [`${name}Url`, url])),
    verificationUrl: `${issuer}${devicePath}`,
    deviceCodeLifetime: time(lifetimes.deviceCode),
    pollInterval: time(pollSeconds.first),
    deviceGrant: deviceCodeGrant,
    codeLifetime: time(lifetimes.authorizationCode),
    requestLifetime: time(requestObjectLimits.lifetime),
    highRequestLifetime: time(requestObjectLimits.highLifetime),
    responseLifetime: time(signedResponseSeconds),
    accessTokenLifetime: time(lifetimes.accessToken),
    apiOpaqueLifetime: time(tokenSeconds.opaque),
    apiJwtLifetime: time(tokenSeconds.jwt),
    organizationJwtLifetime: time(organizationJwt),
    idTokenLifetime: time(lifetimes.idToken),
    refreshTokenLifetime: time(lifetimes.refreshToken),
    interactionLifetime: time(lifetimes.interaction),
    sessionIdle: time(lifetimes.session),
    sessionAbsolute: time(lifetimes.sessionAbsolute),
    responseModes: responseModes.map(code).join(en ? ', ' : '、'),
    trustFrameworks: Object.values(trustFrameworks(issuer))
      .map((one) => `- ${code(one)}`)
      .join('\n'),
    facePolicy: config.facePolicy,
    endpointsTable: [
      ...head(en ? 'endpoint' : '端点', en ? 'address' : '地址', en ? 'for' : '用途'),
      ...Object.entries(endpoints).map(([name, url]) =>
        row(name.replaceAll('_', ' '), code(url), pick(purposes[name], language))
      )
    ].join('\n'),
    scopesTable: [
      ...head('scope', en ? 'claims' : '字段'),
      ...Object.entries(claimsByScope).map(([scope, claims]) =>
        row(code(scope), claims.map(code).join(en ? ', ' : '、'))
      )
    ].join('\n'),
    acrTable: [
      ...head('acr', en ? 'means' : '含义'),
      ...acrValues.map((acr) => row(code(acr), pick(levels[acr.slice(-1)], language)))
    ].join('\n'),
    quickStart: quickStart(config),
    deviceProgram: deviceProgram(config),
    errorsList: fill(errorsMarkdown(language), { codeLifetime: time(lifetimes.authorizationCode) }),
    ...claimExamples(issuer)
  }
}

/** The first of all snippets: for the demo client it runs as it is. */
function quickStart ({ issuer, sandbox, demoData, relyingSitePort }: DocumentConfig): string {
  const client: SnippetClient =
    sandbox && demoData
      ? {
          clientId: 'demo-public',
          redirectUri: 'http://127.0.0.1:3002/callback',
          postLogoutRedirectUri: `http://localhost:${relyingSitePort ?? 3001}/logged-out`,
          scope: 'openid profile',
          confidential: false,
          refresh: false
        }
      : {
          clientId: 'my-site',
          redirectUri: 'http://localhost:8080/callback',
          postLogoutRedirectUri: null,
          scope: 'openid profile',
          confidential: true,
          refresh: false
        }
  const made = makeSnippets(issuer, client, 'en')
  return made.ok ? (made.snippets.find(({ id }) => id === 'express')?.files[0]?.text.trimEnd() ?? '') : ''
}

/** A device in one file; for the demo client it runs as it is. */
function deviceProgram ({ issuer, sandbox, demoData }: DocumentConfig): string {
  const made = makeDeviceSnippet(issuer, {
    clientId: sandbox && demoData ? 'demo-device' : 'my-kiosk',
    scope: 'openid profile',
    confidential: false
  })
  return made.ok ? (made.snippet.files[0]?.text.trimEnd() ?? '') : ''
}
