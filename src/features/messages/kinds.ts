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
  'organization-dissolved': '单位已注销',
  'security-organization-password-changed': '单位登录密码已修改',
  'security-password-changed': '登录密码已修改',
  'security-phone-changed': '手机号已变更',
  'security-new-device': '您的账号在新设备上登录'
} as const satisfies Record<string, string>

export type MessageKind = keyof typeof kinds
export const messageKinds = Object.keys(kinds) as MessageKind[]

/** Fills the placeholders of a message's text. Persons other than the receiver are masked. */
export type MessageData = Record<string, string | number | null>

export const shortText = (kind: MessageKind): string => kinds[kind]

/** Kept where the person cannot remove it. */
export const isSecurityNotice = (kind: MessageKind): boolean => kind.startsWith('security-')
