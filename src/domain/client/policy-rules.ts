/**
 * What Kora stores about a client beyond OAuth metadata: names, who may sign in, why data are needed. Part of
 * `validateClient`.
 */
import { adminScopes } from '../administration/admin-scopes.ts'
import { claimsByScope } from '../claims/claims.ts'
import { readApiGrants } from './api-grants.ts'
import { kindRules, policyMembers } from './kinds.ts'
import { isObject, step, type Readers, type Report } from './faults.ts'
import type { ClientKind } from './record.ts'
import type { ClientRules } from './metadata.ts'
import { uriFault } from './uri.ts'

interface Part {
  kind: ClientKind
  policy: Record<string, unknown>
  /** It authenticates with private_key_jwt. */ signs: boolean
  scope: readonly string[]
  grantTypes: unknown
  rules: ClientRules
  report: Report
  read: Readers
}

const maximumFunctions = 200
const functionCode = /^[a-z][a-z0-9_-]*(?:\.[a-z0-9_-]+)*$/
const aliasName = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

/** Paths that an alias may name (docs/claims.md). */
const representationPaths = [
  'representation.role',
  'representation.organization.uscc',
  'representation.organization.name',
  'representation.organization.type',
  'representation.organization.status',
  'representation.delegation.id',
  'representation.delegation.version',
  'representation.delegation.functions',
  'representation.delegation.valid_from',
  'representation.delegation.valid_to',
  'organization.uscc',
  'organization.name',
  'organization.type',
  'organization.status'
]
const claimNames: readonly string[] = Object.values(claimsByScope).flat()
const aliasPaths: readonly string[] = [...claimNames, ...representationPaths]
/** Names with a meaning of their own in tokens (RFC 7519 §4.1, OpenID Connect Core §2): no alias takes one. */
const takenNames = [
  ...claimNames,
  'iss',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'azp',
  'nonce',
  'at_hash',
  'c_hash',
  's_hash',
  'sid',
  'verified_claims',
  '_claim_names',
  '_claim_sources',
  'cnf',
  'act',
  'scope',
  'client_id'
]

export function checkPolicy (part: Part): void {
  const { kind, policy, signs, grantTypes, rules, report, read } = part
  read.known('/policy', policy, policyMembers)
  const names = policy['names']
  if (isObject(names)) {
    read.known('/policy/names', names, ['zh-CN', 'bo', 'en'])
    read.text('/policy/names/zh-CN', names['zh-CN'], 60, true)
    read.text('/policy/names/bo', names['bo'], 120)
    read.text('/policy/names/en', names['en'], 120)
  } else report('/policy/names', names === undefined ? 'missing' : 'not_an_object', names, '{"zh-CN": …}')
  read.text('/policy/unit', policy['unit'], 100)
  read.text('/policy/owner', policy['owner'], 100)
  read.one('/policy/profile', policy['profile'], ['standard', 'high'])
  read.one('/policy/minimumLevel', policy['minimumLevel'], [1, 2, 3, 4])
  read.flag('/policy/trusted', policy['trusted'])
  read.flag('/policy/representationRequests', policy['representationRequests'])
  if (policy['homeUri'] !== undefined) {
    const found = uriFault(policy['homeUri'], 'page', {
      native: false,
      sandbox: rules.sandbox,
      ownOrigin: rules.issuer,
      ownService: rules.ownService === true,
      egressAllowed: []
    })
    if (found !== null) report('/policy/homeUri', found.code, policy['homeUri'], found.expected)
  }
  if (policy['logo'] !== undefined && !/^logo_[\w-]{8,64}$/.test(String(policy['logo']))) {
    report('/policy/logo', 'upload_instead', policy['logo'], '')
  }
  if (policy['ownService'] !== undefined && rules.ownService !== true) {
    report('/policy/ownService', 'unknown', policy['ownService'], '')
  }
  for (const [index, scope] of read.some('/policy/adminScopes', policy['adminScopes'], adminScopes).entries()) {
    if (kind !== 'machine') report('/policy/adminScopes' + step(index), 'not_for_this_kind', scope, 'kind=machine')
    else if (!signs) {
      report('/policy/adminScopes' + step(index), 'needs', scope, 'token_endpoint_auth_method=private_key_jwt')
    }
  }
  checkSubjects(part)
  checkFunctions(part)
  checkAliases(part)
  checkScopes(part)
  readApiGrants(policy['resources'], { people: kindRules[kind].people, grantTypes }, part)
  for (const [index, value] of read.list('/policy/introspects', policy['introspects'], 50).entries()) {
    const at = '/policy/introspects' + step(index)
    if (value !== '*' && (typeof value !== 'string' || !URL.canParse(value) || value.includes('#'))) {
      report(at, 'not_a_uri', value, '* | https://… | urn:…')
    } else if (kindRules[kind].authMethods[0] === 'none' && kind !== 'device') {
      report(at, 'not_for_this_kind', value, '[]')
    }
  }
}

function checkSubjects ({ policy, report, read }: Part): void {
  const kinds = read.some('/policy/subjectKinds', policy['subjectKinds'], ['person', 'organization'])
  const roles = read.some('/policy/roles', policy['roles'], ['self', 'legal_representative', 'agent'])
  if (Array.isArray(policy['subjectKinds']) && policy['subjectKinds'].length === 0) {
    report('/policy/subjectKinds', 'missing', [], 'person | organization')
  }
  if (Array.isArray(policy['roles']) && policy['roles'].length === 0) {
    report('/policy/roles', 'missing', [], 'self | legal_representative | agent')
  }
  // a kind of subject that no representation allows could never sign in
  if (kinds.includes('person') && roles.length > 0 && !roles.includes('self')) {
    report('/policy/roles', 'missing', roles, 'self')
  }
  if (kinds.includes('organization') && roles.length > 0 && !roles.some((role) => role !== 'self')) {
    report('/policy/roles', 'missing', roles, 'legal_representative | agent')
  }
}

function checkFunctions ({ policy, report, read }: Part): void {
  const codes: unknown[] = []
  for (const [index, item] of read.list('/policy/functions', policy['functions'], maximumFunctions).entries()) {
    const at = '/policy/functions' + step(index)
    if (!isObject(item)) {
      report(at, 'not_an_object', item, '{"code": …, "name": …}')
      continue
    }
    read.known(at, item, ['code', 'name'])
    const { code } = item
    if (typeof code !== 'string' || code.length > 64 || !functionCode.test(code)) {
      report(`${at}/code`, 'not_a_code', code, 'tax.filing')
    } else if (codes.includes(code)) report(`${at}/code`, 'twice', code, '1 ×')
    codes.push(code)
    read.text(`${at}/name`, item['name'], 60, true)
  }
}

function checkAliases ({ policy, report, read }: Part): void {
  const aliases = policy['aliases']
  if (aliases === undefined) return
  if (!isObject(aliases)) {
    report('/policy/aliases', 'not_an_object', aliases, '{"name": "userName"}')
    return
  }
  read.known('/policy/aliases', aliases, aliasPaths)
  const used = new Set<unknown>()
  for (const [path, name] of Object.entries(aliases)) {
    const at = '/policy/aliases' + step(path)
    if (typeof name !== 'string' || !aliasName.test(name)) report(at, 'not_a_name', name, 'userName')
    else if (takenNames.includes(name)) report(at, 'name_taken', name, `${name}_`)
    else if (used.has(name)) report(at, 'twice', name, '1 ×')
    used.add(name)
  }
}

/** Data only for a purpose that people are shown (Personal Information Protection Law art. 6, 17). */
function checkScopes ({ kind, policy, scope, report, read }: Part): void {
  const named = scope.filter((name) => name !== 'openid' && name !== 'offline_access')
  const purposes = policy['purposes'] ?? {}
  if (!isObject(purposes)) {
    report('/policy/purposes', 'not_an_object', purposes, '{"phone": …}')
    return
  }
  if (kindRules[kind].people) {
    for (const name of named) read.text('/policy/purposes' + step(name), purposes[name], 100, true)
  }
  for (const name of Object.keys(purposes)) {
    if (!named.includes(name)) report('/policy/purposes' + step(name), 'not_in_scope', name, named.join(' | '))
  }
  read.some('/policy/optionalScopes', policy['optionalScopes'], named)
}
