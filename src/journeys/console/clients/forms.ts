/**
 * The fields of a client as forms: the controls of a tab, and how what was typed becomes the whole object again. A tab
 * leaves what it does not show unchanged; a fault is shown at the control with its pointer.
 */
import type { ClientFault, ClientRules } from '../../../domain/client/metadata.ts'
import { adminScopes } from '../../../domain/administration/admin-scopes.ts'
import { isObject } from '../../../domain/client/faults.ts'
import { highProfileMetadata, kindRules } from '../../../domain/client/kinds.ts'
import { clientKinds, type ClientKind } from '../../../domain/client/record.ts'
import { signedResponseModes, wantsSignedResponses } from '../../../domain/client/signing.ts'
import { isTooDeep } from '../../../domain/json-depth.ts'
import type { AdminTranslate } from '../../../http/locale.ts'
import { completeControls, concerns, createDrafts, splitLines, text, type Control, type Draft } from '../controls.ts'

/** A client as it was typed: perhaps wrong, so its members can be anything. */
export interface Typed {
  kind: ClientKind
  metadata: Record<string, unknown>
  policy: Record<string, unknown>
}
export type Field = (name: string) => string

export const tabNames = ['basic', 'addresses', 'permissions', 'credentials', 'experience'] as const
export type TabName = (typeof tabNames)[number]

const lines = (value: unknown): string => (Array.isArray(value) ? value.map(text).join('\n') : text(value))
const listScopes = (metadata: Record<string, unknown>): string[] => text(metadata['scope']).split(' ').filter(Boolean)
const listed = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

interface BuildControlsInput {
  tab: TabName | 'kind'
  client: Typed
  rules: ClientRules
  t: AdminTranslate
  faults?: readonly ClientFault[] | undefined
}

/** Controls of a tab with their values and faults. `faults`: those of the whole object. */
export function buildControls (
  { tab, client, rules, t, faults = [] }: BuildControlsInput
): Control[] {
  return completeControls(buildDrafts({ tab, typed: client, rules, t }), t, { area: 'clients', faults })
}

interface BelongsToTabInput {
  tab: TabName | 'kind'
  client: Typed
  rules: ClientRules
  t: AdminTranslate
  fault: ClientFault
}

/** Whether a fault belongs to a control of this tab. */
export const belongsToTab = (
  { tab, client, rules, t, fault }: BelongsToTabInput
): boolean => buildDrafts({ tab, typed: client, rules, t }).some((draft) => concerns(draft, fault))

interface BuildDraftsInput {
  tab: TabName | 'kind'
  typed: Typed
  rules: ClientRules
  t: AdminTranslate
}

function buildDrafts (
  { tab, typed: { kind, metadata, policy }, rules, t }: BuildDraftsInput
): Draft[] {
  const rule = kindRules[kind]
  const names = isObject(policy['names']) ? policy['names'] : {}
  const { words, area, select, checks } = createDrafts(t, 'clients')
  switch (tab) {
    case 'kind':
      // a kind whose grant this deployment does not offer could only be refused
      return [
        {
          id: 'kind',
          type: 'radios',
          value: kind,
          options: clientKinds
            .filter((one) => kindRules[one].grants.slice(0, 1).every((name) => rules.grantTypes.includes(name)))
            .map((one) => ({
              value: one,
              label: t(`console.clients.kind.${one}`),
              hint: t(`console.clients.kind.${one}.hint`)
            })),
          at: ['/kind']
        } as Draft
      ]
    case 'basic':
      return [
        words('name_zh', names['zh-CN'], { at: '/policy/names/zh-CN', maximum: 60 }),
        words('name_bo', names['bo'], { at: '/policy/names/bo', maximum: 120 }),
        words('name_en', names['en'], { at: '/policy/names/en', maximum: 120 }),
        words('unit', policy['unit'], { at: '/policy/unit', maximum: 100 }),
        words('owner', policy['owner'], { at: '/policy/owner', maximum: 100 }),
        words('home_uri', policy['homeUri'], { at: '/policy/homeUri', maximum: 2000 }),
        area('contacts', lines(metadata['contacts']), { at: ['/metadata/contacts'], rows: 2 })
      ]
    case 'addresses':
      if (!rule.redirects) return []
      return [
        area('redirect_uris', lines(metadata['redirect_uris']), { at: ['/metadata/redirect_uris'] }),
        area('post_logout_redirect_uris', lines(metadata['post_logout_redirect_uris']), {
          at: ['/metadata/post_logout_redirect_uris'],
          rows: 3
        }),
        words('backchannel_logout_uri', metadata['backchannel_logout_uri'], {
          at: '/metadata/backchannel_logout_uri',
          maximum: 2000
        }),
        words('initiate_login_uri', metadata['initiate_login_uri'], {
          at: '/metadata/initiate_login_uri',
          maximum: 2000
        }),
        words('sector_identifier_uri', metadata['sector_identifier_uri'], {
          at: '/metadata/sector_identifier_uri',
          maximum: 2000
        })
      ]
    case 'permissions': {
      const purposes = isObject(policy['purposes']) ? policy['purposes'] : {}
      const scopes = rules.scopes.filter((name) => name !== 'openid')
      const asked = listScopes(metadata)
      return [
        ...(rule.people
          ? [
              checks(
                'scope',
                scopes.map((name) => [name, asked.includes(name)]),
                ['/metadata/scope']
              ),
              ...scopes.map((name): Draft => ({
                ...words(`purpose_${name}`, purposes[name], { at: `/policy/purposes/${name}`, maximum: 100 }),
                label: t('console.clients.field.purpose', {
                  scope: t.code([`console.clients.value.scope.${name}`], 'console.clients.nothing') || name
                }),
                hint: null
              })),
              checks(
                'optional',
                scopes.map((name) => [name, listed(policy['optionalScopes']).includes(name)]),
                ['/policy/optionalScopes']
              ),
              checks(
                'grants',
                rule.grants
                  .slice(1)
                  .filter((name) => rules.grantTypes.includes(name))
                  .map((name) => [name, listed(metadata['grant_types']).includes(name)]),
                ['/metadata/grant_types']
              ),
              checks(
                'subjects',
                ['person', 'organization'].map((name) => [name, listed(policy['subjectKinds']).includes(name)]),
                ['/policy/subjectKinds']
              ),
              checks(
                'roles',
                ['self', 'legal_representative', 'agent'].map((name) => [
                  name,
                  listed(policy['roles']).includes(name)
                ]),
                ['/policy/roles']
              ),
              select('requests', policy['representationRequests'] === false ? 'refused' : 'allowed', {
                values: ['allowed', 'refused'],
                at: '/policy/representationRequests'
              }),
              area(
                'functions',
                listed(policy['functions'])
                  .map((item) => (isObject(item) ? `${text(item['code'])} ${text(item['name'])}`.trim() : text(item)))
                  .join('\n'),
                { at: ['/policy/functions'] }
              ),
              area(
                'aliases',
                isObject(policy['aliases'])
                  ? Object.entries(policy['aliases'])
                    .map(([path, name]) => `${path} ${text(name)}`)
                    .join('\n')
                  : text(policy['aliases']),
                { at: ['/policy/aliases'] }
              )
            ]
          : []),
        ...(rule.people
          ? [area('resources', grantLines(policy['resources'], 'scopes'), { at: ['/policy/resources'], rows: 3 })]
          : []),
        ...(rule.grants.includes('client_credentials')
          ? [
              area('machine_resources', grantLines(policy['resources'], 'machineScopes'), {
                at: rule.people ? [] : ['/policy/resources'],
                rows: 3
              })
            ]
          : []),
        ...(rule.authMethods[0] === 'none' && kind !== 'device'
          ? []
          : [area('introspects', lines(policy['introspects']), { at: ['/policy/introspects'], rows: 2 })]),
        ...(kind === 'machine'
          ? [
              checks(
                'admin_scopes',
                adminScopes.map((name) => [name, listed(policy['adminScopes']).includes(name)]),
                ['/policy/adminScopes']
              )
            ]
          : [])
      ]
    }
    case 'credentials':
      return [
        select('auth_method', text(metadata['token_endpoint_auth_method']), {
          values: rule.authMethods.filter((name) => rules.authMethods.includes(name)),
          at: '/metadata/token_endpoint_auth_method'
        }),
        ...(rule.authMethods[0] === 'none' && kind !== 'device'
          ? []
          : [
              area(
                'jwks',
                typeof metadata['jwks'] === 'object'
                  ? JSON.stringify(metadata['jwks'], null, 1)
                  : text(metadata['jwks']),
                { at: ['/metadata/jwks'], rows: 6 }
              ),
              words('jwks_uri', metadata['jwks_uri'], { at: '/metadata/jwks_uri', maximum: 2000 }),
              ...(rules.authMethods.includes('tls_client_auth')
                ? [
                    words('tls_subject', metadata['tls_client_auth_subject_dn'], {
                      at: '/metadata/tls_client_auth_subject_dn',
                      maximum: 400
                    })
                  ]
                : []),
              select('profile', policy['profile'] === 'high' ? 'high' : 'standard', {
                values: ['standard', 'high'],
                at: '/policy/profile'
              })
            ]),
        ...(rule.people
          ? [
              select('id_token_alg', text(metadata['id_token_signed_response_alg']) || 'ES256', {
                values: rules.signingAlgs,
                at: '/metadata/id_token_signed_response_alg'
              })
            ]
          : []),
        ...(rule.redirects
          ? [
              checks(
                'signing',
                [
                  // a client without keys cannot sign
                  ...(rule.authMethods[0] === 'none'
                    ? []
                    : [['requests', metadata['require_signed_request_object'] === true] as [string, boolean]]),
                  ['answers', wantsSignedResponses(metadata['response_modes'])],
                  ['userinfo', metadata['userinfo_signed_response_alg'] !== undefined]
                ],
                [
                  '/metadata/require_signed_request_object',
                  '/metadata/response_modes',
                  '/metadata/userinfo_signed_response_alg'
                ]
              )
            ]
          : [])
      ]
    case 'experience':
      if (!rule.people) return []
      return [
        select('minimum_level', String(policy['minimumLevel'] ?? 1), {
          values: ['1', '2', '3', '4'],
          at: '/policy/minimumLevel'
        }),
        checks('trust', [['trusted', policy['trusted'] === true]], ['/policy/trusted']),
        select('subject_type', text(metadata['subject_type']) || 'public', {
          values: ['public', 'pairwise'],
          at: '/metadata/subject_type'
        })
      ]
  }
}

/** One line for each API: its identifier, then scopes. */
const grantLines = (resources: unknown, name: 'scopes' | 'machineScopes'): string =>
  Object.entries(isObject(resources) ? resources : {})
    .map(([identifier, grant]) => [identifier, ...listed(isObject(grant) ? grant[name] : undefined).map(text)])
    .filter((words) => words.length > 1)
    .map((words) => words.join(' '))
    .join('\n')

function parseGrants (people: string, machine: string): Record<string, { scopes: string[]; machineScopes: string[] }> {
  const grants = new Map<string, { scopes: string[]; machineScopes: string[] }>()
  for (const [typed, name] of [
    [people, 'scopes'],
    [machine, 'machineScopes']
  ] as const) {
    for (const line of splitLines(typed)) {
      const [identifier = '', ...scopes] = line.split(/\s+/)
      const grant = grants.get(identifier) ?? { scopes: [], machineScopes: [] }
      grant[name].push(...scopes)
      grants.set(identifier, grant)
    }
  }
  return Object.fromEntries(grants)
}

const kept = (value: string): string | undefined => (value.trim() === '' ? undefined : value.trim())

interface TypedOverInput {
  tab: TabName | 'kind'
  client: Typed
  field: Field
  rules: ClientRules
}

/** What was typed, put over what is there. */
export function typedOver ({ tab, client, field, rules }: TypedOverInput): Typed {
  const { kind, metadata, policy } = client
  const ticked = (id: string, names: readonly string[]): string[] =>
    names.filter((name) => field(`${id}_${name}`) !== '')
  const rule = kindRules[kind]
  switch (tab) {
    case 'kind':
      return { ...client, kind: clientKinds.find((one) => one === field('kind')) ?? kind }
    case 'basic':
      return {
        kind,
        metadata: { ...metadata, contacts: none(splitLines(field('contacts'))) },
        policy: {
          ...policy,
          names: { 'zh-CN': field('name_zh').trim(), bo: kept(field('name_bo')), en: kept(field('name_en')) },
          unit: kept(field('unit')),
          owner: kept(field('owner')),
          homeUri: kept(field('home_uri'))
        }
      }
    case 'addresses': {
      if (!rule.redirects) return client
      const back = kept(field('backchannel_logout_uri'))
      return {
        kind,
        policy,
        metadata: {
          ...metadata,
          redirect_uris: splitLines(field('redirect_uris')),
          post_logout_redirect_uris: none(splitLines(field('post_logout_redirect_uris'))),
          backchannel_logout_uri: back,
          backchannel_logout_session_required: back === undefined ? undefined : true,
          initiate_login_uri: kept(field('initiate_login_uri')),
          sector_identifier_uri: kept(field('sector_identifier_uri'))
        }
      }
    }
    case 'permissions': {
      const introspects = {
        introspects: splitLines(field('introspects')),
        resources: parseGrants(field('resources'), field('machine_resources'))
      }
      if (!rule.people) {
        return {
          kind,
          metadata,
          policy: { ...policy, ...introspects, adminScopes: none(ticked('admin_scopes', adminScopes)) }
        }
      }
      const scopes = ticked('scope', rules.scopes)
      const offline = listScopes(metadata).includes('offline_access') ? ['offline_access'] : []
      return {
        kind,
        metadata: {
          ...metadata,
          scope: ['openid', ...scopes, ...offline].join(' '),
          grant_types: [...rule.grants.slice(0, 1), ...ticked('grants', rule.grants.slice(1))]
        },
        policy: {
          ...policy,
          ...introspects,
          purposes: Object.fromEntries(scopes.map((name) => [name, field(`purpose_${name}`).trim()])),
          optionalScopes: ticked('optional', rules.scopes),
          subjectKinds: ticked('subjects', ['person', 'organization']),
          roles: ticked('roles', ['self', 'legal_representative', 'agent']),
          // absent means allowed; a form without the question changes nothing
          representationRequests:
            field('requests') === 'refused'
              ? false
              : field('requests') === 'allowed'
                ? undefined
                : policy['representationRequests'],
          functions: splitLines(field('functions')).map((line) => {
            const [, code = '', name = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? []
            return { code, name }
          }),
          aliases: Object.fromEntries(
            splitLines(field('aliases')).map((line) => {
              const [, path = '', name = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? []
              return [path, name]
            })
          )
        }
      }
    }
    case 'credentials': {
      const high = field('profile') === 'high'
      const { require_pushed_authorization_requests: _par, dpop_bound_access_tokens: _dpop, ...rest } = metadata
      const was = policy['profile'] === 'high'
      return {
        kind,
        metadata: {
          // the high profile is these members together: chosen and left as one
          ...(high || was ? rest : metadata),
          ...(high ? highProfileMetadata : {}),
          // tokens are bound to a certificate or to a key
          ...(high && metadata['tls_client_certificate_bound_access_tokens'] === true
            ? { dpop_bound_access_tokens: undefined }
            : {}),
          token_endpoint_auth_method: kept(field('auth_method')),
          jwks: parseJson(field('jwks')),
          jwks_uri: kept(field('jwks_uri')),
          ...(rules.authMethods.includes('tls_client_auth') && rule.authMethods[0] !== 'none'
            ? { tls_client_auth_subject_dn: kept(field('tls_subject')) }
            : {}),
          ...(rule.people && field('id_token_alg') !== ''
            ? { id_token_signed_response_alg: field('id_token_alg') === 'ES256' ? undefined : field('id_token_alg') }
            : {}),
          ...(rule.redirects
            ? signedBy(
              metadata,
              ticked('signing', ['requests', 'answers', 'userinfo']),
              rule.authMethods[0] !== 'none'
            )
            : {})
        },
        policy: { ...policy, profile: high ? 'high' : was || policy['profile'] !== undefined ? 'standard' : undefined }
      }
    }
    case 'experience':
      return rule.people
        ? {
            kind,
            metadata: { ...metadata, subject_type: field('subject_type') === 'pairwise' ? 'pairwise' : undefined },
            policy: {
              ...policy,
              minimumLevel: Number(field('minimum_level')) || field('minimum_level'),
              trusted: field('trust_trusted') !== ''
            }
          }
        : client
  }
}

/** A ticked value that is there already stays: an algorithm, or some of the signed modes. */
function signedBy (
  metadata: Record<string, unknown>,
  wanted: readonly string[],
  signs: boolean
): Record<string, unknown> {
  const { response_modes: modes, userinfo_signed_response_alg: algorithm } = metadata
  const only = wantsSignedResponses(modes)
  return {
    ...(signs ? { require_signed_request_object: wanted.includes('requests') ? true : undefined } : {}),
    response_modes: wanted.includes('answers') === only ? modes : only ? undefined : [...signedResponseModes],
    userinfo_signed_response_alg: wanted.includes('userinfo') ? (algorithm ?? 'ES256') : undefined
  }
}

const none = (list: string[]): string[] | undefined => (list.length === 0 ? undefined : list)

function parseJson (typed: string): unknown {
  if (typed.trim() === '') return undefined
  try {
    const value: unknown = JSON.parse(typed)
    // the text itself is a fault of the field
    return isTooDeep(value) ? typed : value
  } catch {
    return typed
  }
}
