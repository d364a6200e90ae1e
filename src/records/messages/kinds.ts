import type { MessageKind } from '../../domain/message-kind.ts'

/** Kinds of messages, with what a short message calls them: its texts are registered in Chinese with the provider. */
const kinds = {
  'delegation-submitted': '有新的代理授权申请待您审核',
  'delegation-approved': '代理授权已通过',
  'delegation-rejected': '代理授权申请未通过',
  'delegation-withdrawn': '代理授权申请已撤回',
  'delegation-revoked': '代理授权已撤销',
  'delegation-suspended': '代理授权已停用',
  'delegation-expired': '代理授权已到期',
  'delegation-resigned': '代理人已辞去代理授权',
  'legal-representative-changed': '法定代表人已变更',
  'organization-suspended': '单位状态已变为停用',
  'organization-resumed': '单位已恢复使用',
  'organization-dissolved': '单位已注销',
  'security-organization-password-changed': '单位登录密码已修改',
  'security-password-changed': '登录密码已修改',
  'security-phone-changed': '手机号已变更',
  'security-new-device': '您的账号在新设备上登录',
  'security-device-login': '您允许了一台设备登录您的账号',
  'security-account-locked': '您的账号已被锁定',
  'security-account-unlocked': '您的账号已解除锁定',
  'security-sessions-ended': '您的账号已在各处退出登录',
  'security-device-ended': '您的一台设备已被停用',
  'security-face-tries-reset': '您的人脸核验次数已重置',
  'security-password-tries-reset': '您的密码输错次数已重置',
  'security-counter-code-issued': '窗口已为您开出核验码',
  'registration-accepted': '法人注册申请已通过',
  'registration-refused': '法人注册申请未通过',
  'registration-returned': '法人注册申请需要补正',
  notice: '您有一条新通知'
} as const satisfies Record<MessageKind, string>

export type { MessageKind } from '../../domain/message-kind.ts'
export const messageKinds = Object.keys(kinds) as MessageKind[]

/** Fills the placeholders of a message's text. Persons other than the receiver are masked. */
export type MessageData = Record<string, string | number | null>

export const shortText = (kind: MessageKind): string => kinds[kind]

/** What the inbox can be narrowed to, in the order of its links. */
export const messageTopics = ['requests', 'results', 'expiry', 'security', 'system'] as const
export type MessageTopic = (typeof messageTopics)[number]

export function selectTopic (kind: MessageKind): MessageTopic {
  if (kind.startsWith('security-')) return 'security'
  if (kind === 'delegation-submitted') return 'requests'
  if (kind === 'delegation-expired') return 'expiry'
  return kind.startsWith('delegation-') || kind.startsWith('registration-') ? 'results' : 'system'
}
