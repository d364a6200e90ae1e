/** Titles of the codes, in the two languages of staff, and the words for a field's fault. */
import type { ClientFault } from '../../domain/client/metadata.ts'
import type { AdminMessageKey, AdminTranslate, Locale } from '../../http/locale.ts'
import type { ProblemCode } from './problems.ts'

const chinese: Readonly<Record<ProblemCode, string>> = {
  token_missing: '请求没有访问令牌',
  token_invalid: '访问令牌无效、已过期、已撤销，或不是发给管理接口的',
  proof_invalid: '令牌绑定了密钥，缺少有效的 DPoP 证明',
  insufficient_scope: '访问令牌没有所需的范围',
  own_service: '这是系统自身的应用，不能修改',
  console_only: '管理接口的权限只能在管理台或命令行中授予和修改',
  not_found: '没有找到',
  no_such_route: '没有这个接口',
  method_not_allowed: '这个地址不支持这种请求方法',
  taken: '这个标识已被使用',
  not_a_draft: '只有草稿可以删除，其他应用请停用',
  wrong_state: '当前状态不允许这样做，没有任何改动',
  too_many_secrets: '已有两个有效密钥，请先停用一个',
  no_secret: '这个应用不用密钥认证',
  change_waiting: '同一对象已有一项变更等待审批',
  second_administrator_needed: '需要另一位管理员审批，请在管理台办理',
  key_published: '已有一个待用密钥',
  idempotency_key_reused: '同一个 Idempotency-Key 已用于另一个请求',
  version_conflict: '对象已被修改，请比较两个版本',
  body_too_large: '请求内容太大',
  unsupported_media_type: '请求内容须是 application/json',
  malformed_body: '请求内容不是 JSON 对象',
  malformed_query: '查询参数不对',
  malformed_idempotency_key: 'Idempotency-Key 须是 8 至 128 个字母、数字或 . _ - : 字符',
  unknown_members: '请求里有不认识的成员，没有任何改动',
  invalid_fields: '有字段不正确',
  reason_required: '请在请求头 Kora-Reason 或成员 reason 中说明理由',
  version_required: '请在 If-Match 中给出读到的版本（ETag）',
  too_many_requests: '请求太多，请稍后再试',
  register_unavailable: '工商登记暂时没有答复，没有任何改动，请稍后再试'
}

const english: Readonly<Record<ProblemCode, string>> = {
  token_missing: 'The request has no access token',
  token_invalid: 'The access token is unknown, expired, revoked, or not for the admin API',
  proof_invalid: 'The token is bound to a key and there is no valid DPoP proof',
  insufficient_scope: 'The access token lacks the scope that is needed',
  own_service: "This is one of Kora's own services and is not changed",
  console_only: 'Rights in the admin API are given and changed in the console or on the command line only',
  not_found: 'Not found',
  no_such_route: 'There is no such endpoint',
  method_not_allowed: 'This address does not support this method',
  taken: 'This identifier is taken',
  not_a_draft: 'Only drafts are deleted: disable the client instead',
  wrong_state: 'Its state does not allow this: nothing was changed',
  too_many_secrets: 'Two secrets are alive: end one first',
  no_secret: 'This client authenticates without a secret',
  change_waiting: 'A change of the same thing waits for approval already',
  second_administrator_needed: 'A second administrator is needed: do this in the console',
  key_published: 'There is a successor already',
  idempotency_key_reused: 'This Idempotency-Key was used for another request',
  version_conflict: 'It was changed meanwhile: compare both versions',
  body_too_large: 'The body is too large',
  unsupported_media_type: 'The body must be application/json',
  malformed_body: 'The body is not a JSON object',
  malformed_query: 'A query parameter is wrong',
  malformed_idempotency_key: 'Idempotency-Key must be 8 to 128 letters, digits or . _ - :',
  unknown_members: 'The body has members that are not known; nothing was changed',
  invalid_fields: 'Some fields are wrong',
  reason_required: 'Say why, in the header Kora-Reason or the member reason',
  version_required: 'Give the version that you read (ETag) in If-Match',
  too_many_requests: 'Too many requests: try again later',
  register_unavailable: 'The company register does not answer, nothing was changed: try again later'
}

export const titles = (locale: Locale): Readonly<Record<ProblemCode, string>> => (locale === 'en' ? english : chinese)

/**
 * One sentence about a field; codes without words of their own get the general one, beside `received` and `expected`.
 */
export const faultMessage = (t: AdminTranslate, { code, received, expected }: ClientFault): string =>
  t.code([`console.clients.fault.${code}`, `fault.${code}`], 'fault.invalid' as AdminMessageKey, { received, expected })
