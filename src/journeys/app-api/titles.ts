/**
 * Titles of the codes that only this API has; those of the phone side are messages of the catalogue. Developers of the
 * app read them more than other people do, so Tibetan falls back to Chinese.
 */
import type { Locale } from '../../http/locale.ts'
import type { ApiCode } from './problems.ts'

const chinese: Readonly<Record<ApiCode, string>> = {
  proof_missing: '请求没有设备证明',
  proof_malformed: '设备证明的格式不对',
  proof_key_invalid: '设备证明的密钥不是可用的公钥',
  proof_signature_invalid: '设备证明的签名不对',
  proof_target_mismatch: '设备证明不是为这个请求做的',
  proof_outdated: '设备证明的时间不对，请校准手机时间',
  proof_body_mismatch: '设备证明与请求内容不符',
  proof_replayed: '设备证明已经用过',
  device_unknown: '这台设备没有登记，或已被停用',
  key_revoked: '这个密钥已被停用，请生成新的密钥',
  malformed_body: '请求内容不是 JSON 对象',
  unknown_members: '请求里有不认识的成员',
  unsupported_media_type: '请求内容须是 application/json',
  body_too_large: '请求内容太大',
  method_not_allowed: '这个地址不支持这种请求方法',
  no_such_route: '没有这个接口'
}

const english: Readonly<Record<ApiCode, string>> = {
  proof_missing: 'The request has no device proof',
  proof_malformed: 'The device proof is malformed',
  proof_key_invalid: 'The key of the device proof is not a usable public key',
  proof_signature_invalid: 'The signature of the device proof is wrong',
  proof_target_mismatch: 'The device proof was made for another request',
  proof_outdated: 'The time of the device proof is wrong: set the clock of the phone',
  proof_body_mismatch: 'The device proof does not fit the body',
  proof_replayed: 'The device proof has been used before',
  device_unknown: 'This device is not registered, or was revoked',
  key_revoked: 'This key was revoked: make a new one',
  malformed_body: 'The body is not a JSON object',
  unknown_members: 'The body has members that are not known',
  unsupported_media_type: 'The body must be application/json',
  body_too_large: 'The body is too large',
  method_not_allowed: 'This address does not support this method',
  no_such_route: 'There is no such endpoint'
}

export const titles = (locale: Locale): Readonly<Partial<Record<string, string>>> =>
  locale === 'en' ? english : chinese
