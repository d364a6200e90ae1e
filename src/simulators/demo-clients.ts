/** The clients of the sandbox and their resource servers: one for each policy that a relying site can have. */
import { scopes } from '../domain/claims/claims.ts'
import type { ClientPolicy } from '../domain/client/policy.ts'
import { deviceCodeGrant } from '../domain/client/record.ts'
import { demoAdmin } from './demo-admin.ts'

export interface DemoClient {
  clientId: string
  secret: string | null
  /** Private key (JWK) of one that signs. */
  privateKey?: Readonly<Record<string, string>>
  metadata: Record<string, unknown>
  policy: Partial<ClientPolicy>
  note: string
}

export const demoResource = 'urn:kora:demo:property'

/** What the demo relying site asks for. */
export const demoScope = ['openid', 'profile', 'phone', 'identity', 'organization']
  .filter((scope) => scopes.includes(scope))
  .join(' ')

const everything = [...scopes, 'offline_access'].join(' ')
const forPersons = 'openid profile phone email identity offline_access'

const propertyFunctions = [
  { code: 'property.register', name: '不动产登记申请' },
  { code: 'property.query', name: '不动产登记查询' }
]

/** `site` is the origin of the demo relying site. */
export function demoClients (site: string): DemoClient[] {
  const web = {
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [`${site}/callback`],
    post_logout_redirect_uris: [`${site}/logged-out`],
    backchannel_logout_uri: `${site}/backchannel-logout`,
    backchannel_logout_session_required: true,
    client_uri: site,
    scope: forPersons
  }
  return [
    {
      clientId: 'demo-site',
      secret: 'demo-site-secret-for-the-sandbox-only',
      metadata: { ...web, scope: everything, client_name: '不动产登记（演示）' },
      policy: {
        names: { 'zh-CN': '不动产登记（演示）', bo: 'མི་འགུལ་རྒྱུ་ནོར་ཐོ་འགོད།（དཔེ་སྟོན།）', en: 'Property registry (demo)' },
        unit: '演示单位',
        trusted: true,
        subjectKinds: ['person', 'organization'],
        functions: propertyFunctions,
        homeUri: site,
        introspects: [],
        purposes: {
          profile: '显示您的姓名',
          phone: '联系您',
          email: '发送登记结果',
          identity: '核对登记簿',
          organization: '为单位办理登记'
        }
      },
      note: 'the demo relying site: persons and organizations, with functions for agents'
    },
    {
      clientId: 'demo-consent',
      secret: 'demo-consent-secret-for-the-sandbox-only',
      metadata: { ...web, client_name: '公积金查询（演示）', subject_type: 'pairwise' },
      policy: {
        names: { 'zh-CN': '公积金查询（演示）', en: 'Housing fund (demo)' },
        unit: '演示单位',
        trusted: false,
        optionalScopes: ['phone', 'email'],
        homeUri: site,
        purposes: { profile: '显示您的姓名', phone: '办理结果短信通知', email: '发送电子凭证', identity: '办理公积金' }
      },
      note: 'not trusted: shows the consent page; pairwise subject'
    },
    {
      clientId: 'demo-level3',
      secret: 'demo-level3-secret-for-the-sandbox-only',
      metadata: { ...web, client_name: '社保待遇（演示）' },
      policy: {
        names: { 'zh-CN': '社保待遇（演示）', en: 'Social security (demo)' },
        unit: '演示单位',
        trusted: true,
        minimumLevel: 3,
        subjectKinds: ['person'],
        roles: ['self'],
        homeUri: site,
        purposes: { profile: '显示您的姓名', phone: '联系您', email: '发送待遇通知', identity: '核对参保信息' }
      },
      note: 'minimum level 3: face at every login; persons only'
    },
    {
      clientId: 'demo-public',
      secret: null,
      metadata: {
        ...web,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/callback', `${site}/callback`],
        backchannel_logout_uri: undefined,
        backchannel_logout_session_required: undefined,
        client_name: '掌上办（演示）'
      },
      policy: {
        names: { 'zh-CN': '掌上办（演示）', en: 'Mobile services (demo)' },
        unit: '演示单位',
        trusted: true,
        homeUri: site,
        purposes: { profile: '显示您的姓名', phone: '联系您', email: '发送办理结果', identity: '办理事项' }
      },
      note: 'public client: PKCE, rotating refresh tokens, loopback redirect on any port'
    },
    {
      clientId: 'demo-tax',
      secret: 'demo-tax-secret-for-the-sandbox-only',
      metadata: { ...web, scope: everything, client_name: '电子税务（演示）' },
      policy: {
        names: { 'zh-CN': '电子税务（演示）', en: 'Tax office (demo)' },
        unit: '演示单位',
        trusted: true,
        subjectKinds: ['organization'],
        roles: ['legal_representative', 'agent'],
        functions: [
          { code: 'tax.filing', name: '纳税申报' },
          { code: 'tax.query', name: '涉税查询' }
        ],
        aliases: {
          name: 'userName',
          'representation.role': 'userType',
          'representation.organization.uscc': 'uscc',
          'representation.organization.name': 'corpName'
        },
        homeUri: site,
        purposes: {
          profile: '显示经办人姓名',
          phone: '联系经办人',
          email: '发送税务文书',
          identity: '核对办税人员',
          organization: '确认办税单位'
        }
      },
      note: 'organizations only; flat names (aliases) for a site that reads no nested claims'
    },
    {
      clientId: 'demo-device',
      secret: null,
      metadata: {
        application_type: 'native',
        grant_types: [deviceCodeGrant, 'refresh_token'],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'none',
        client_uri: site,
        client_name: '办事大厅自助机（演示）',
        scope: 'openid profile organization offline_access'
      },
      policy: {
        names: { 'zh-CN': '办事大厅自助机（演示）', en: 'Service hall kiosk (demo)' },
        unit: '演示单位',
        trusted: true,
        subjectKinds: ['person', 'organization'],
        functions: propertyFunctions,
        homeUri: site,
        purposes: { profile: '在屏幕上显示您的姓名', organization: '为单位办理' }
      },
      note: 'device grant: shows a code that is typed in at /device'
    },
    {
      clientId: 'demo-machine',
      secret: 'demo-machine-secret-for-the-sandbox-only',
      metadata: {
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'client_secret_basic',
        client_name: '数据交换（演示）'
      },
      policy: { names: { 'zh-CN': '数据交换（演示）', en: 'Data exchange (demo)' }, unit: '演示单位' },
      note: 'client credentials'
    },
    {
      clientId: 'demo-resource',
      secret: 'demo-resource-secret-for-the-sandbox-only',
      metadata: {
        grant_types: [],
        response_types: [],
        redirect_uris: [],
        token_endpoint_auth_method: 'client_secret_basic',
        client_name: '不动产接口（演示）'
      },
      policy: {
        names: { 'zh-CN': '不动产接口（演示）', en: 'Property API (demo)' },
        unit: '演示单位',
        introspects: ['*']
      },
      note: 'resource server: may introspect'
    },
    demoAdmin
  ]
}

const demoScopeTexts = JSON.stringify({
  'property:read': { 'zh-CN': '查询您的不动产登记信息', en: 'Read your property records' },
  'property:write': { 'zh-CN': '为您提交不动产登记申请', en: 'File property applications for you' }
})

/** What each of them may ask for: what every client could before APIs were granted. */
export const demoGrants = (clientId: string): Array<{
  clientId: string
  resource: string
  scopes: string[]
  machineScopes: string[]
}> => {
  if (clientId === 'demo-resource' || clientId === 'demo-admin') return []
  const all = ['property:read', 'property:write']
  const machine = clientId === 'demo-machine'
  return demoResourceServers.map(({ identifier }) => ({
    clientId,
    resource: identifier,
    scopes: machine ? [] : all,
    machineScopes: machine ? all : []
  }))
}

export const demoResourceServers = [
  {
    identifier: demoResource,
    name: '不动产接口（演示）',
    nameEn: 'Property API (demo)',
    scopes: 'property:read property:write',
    scopeTexts: demoScopeTexts,
    tokenFormat: 'opaque',
    signingAlg: 'ES256',
    ttlSeconds: 600,
    minimumLevel: null
  },
  {
    identifier: `${demoResource}:jwt`,
    name: '不动产接口，JWT（演示）',
    nameEn: 'Property API, JWT (demo)',
    scopes: 'property:read property:write',
    scopeTexts: demoScopeTexts,
    tokenFormat: 'jwt',
    signingAlg: 'ES256',
    ttlSeconds: 300,
    minimumLevel: null
  }
] as const
