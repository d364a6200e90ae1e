/**
 * Plain words, Chinese first and English second, for what a provider may answer: levels (acr), methods
 * (amr, RFC 8176), roles and error codes (RFC 6749, OIDC Core §3.1.2.6, RFC 9470). Unknown codes are shown as they are.
 */
export type Words = readonly [zh: string, en: string]

const LEVELS: Record<number, Words> = {
  1: ['1 级：仅验证了手机号或密码', 'level 1: phone number or password only'],
  2: ['2 级：密码登录，姓名和证件号已核对', 'level 2: password, name and document number checked'],
  3: ['3 级：人脸核验或等效方式', 'level 3: face check or an equal alternative'],
  4: ['4 级：窗口核验或数字证书', 'level 4: counter check or digital certificate']
}

const METHODS: Record<string, Words> = {
  pwd: ['密码', 'password'],
  sms: ['短信验证码', 'text message'],
  otp: ['一次性密码', 'one-time password'],
  pin: ['PIN 码', 'PIN'],
  face: ['人脸核验', 'face check'],
  fpt: ['指纹', 'fingerprint'],
  hwk: ['硬件密钥', 'hardware key'],
  swk: ['手机 APP 密钥', 'key in the phone app'],
  sc: ['智能卡或数字证书', 'smart card or certificate'],
  user: ['本人到场确认', 'presence confirmed'],
  mfa: ['多因素', 'several factors']
}

const ROLES: Record<string, Words> = {
  self: ['本人', 'oneself'],
  legal_representative: ['法定代表人', 'legal representative'],
  agent: ['代理人', 'agent']
}

/**
 * The functions of this site that an organization may delegate: the catalogue registered with the identity provider.
 */
const FUNCTIONS: Record<string, string> = {
  'property.register': '不动产登记申请',
  'property.query': '不动产登记查询'
}

/** Identity Assurance: types of evidence, and methods of checking it. */
const EVIDENCE: Record<string, Words> = {
  document: ['证件', 'document'],
  electronic_record: ['登记库记录', 'electronic record'],
  vouch: ['他人证明', 'vouched for'],
  electronic_signature: ['电子签名', 'electronic signature']
}

const CHECKS: Record<string, string> = {
  bvr: '人脸核验',
  data: '信息比对',
  vcrypt: '电子校验',
  vpip: '当面核验',
  kbv: '问答核验',
  pvp: '当面核对证件'
}

const PROBLEMS: Record<string, { title: Words; why: Words }> = {
  access_denied: {
    title: ['登录没有完成', 'Login was not completed'],
    why: [
      '您在统一身份认证页面取消了登录，或者没有通过认证要求。',
      'Login was cancelled, or its requirements were not met.'
    ]
  },
  login_required: {
    title: ['您还没有登录统一身份认证', 'You are not signed in at the identity provider'],
    why: [
      '静默检查的结果：这个浏览器里没有可用的登录状态。',
      'The silent check found no usable login in this browser.'
    ]
  },
  interaction_required: {
    title: ['需要您本人操作', 'Your action is needed'],
    why: [
      '统一身份认证需要您完成一个步骤，静默检查无法进行。',
      'The identity provider needs a step from you; a silent check cannot do it.'
    ]
  },
  consent_required: {
    title: ['需要您同意授权', 'Your consent is needed'],
    why: [
      '统一身份认证需要您确认向本网站提供哪些信息。',
      'The identity provider needs your consent to the data given to this site.'
    ]
  },
  account_selection_required: {
    title: ['需要您选择身份', 'Choose an identity'],
    why: ['您可以用多个身份办理，请先选择一个。', 'You can act in several capacities: choose one first.']
  },
  unmet_authentication_requirements: {
    title: ['认证等级没有达到要求', 'The required level was not reached'],
    why: ['这次登录没有达到本网站要求的认证等级。', 'This login did not reach the level this site asked for.']
  },
  invalid_authorization_details: {
    title: ['网站提出的办理要求有误', 'What this site asks for is not right'],
    why: [
      '单位代码、事项或身份不符合登记的内容，请联系网站管理员。',
      'The organization, function or role asked for does not fit this registration: please tell its administrator.'
    ]
  },
  insufficient_user_authentication: {
    title: ['需要更高的认证等级', 'A stronger login is needed'],
    why: [
      '这项业务要求更高的认证等级，或者要求刚刚完成的认证。',
      'This act requires a stronger, or a more recent, authentication.'
    ]
  },
  function_not_delegated: {
    title: ['您的授权不包括这项业务', 'Your delegation does not include this act'],
    why: [
      '您以代理人身份办理，单位没有把这项业务授权给您。请换一个身份，或请法定代表人增加授权事项。',
      'You act as an agent, and the organization did not delegate this to you. Act as someone else, or ask the legal ' +
        'representative.'
    ]
  },
  lost_state: {
    title: ['这次登录已经用过或已过期', 'This login was already used or has expired'],
    why: [
      '可能是使用了后退按钮、刷新了页面、停留太久，或者浏览器没有保存 Cookie。',
      'The back button, a reload, a long pause, or cookies being off can cause this.'
    ]
  },
  invalid_grant: {
    title: ['登录状态已失效', 'The login is no longer valid'],
    why: [
      '授权码或刷新令牌已过期、已使用或已撤销。',
      'The code or refresh token has expired, was used, or was revoked.'
    ]
  },
  invalid_client: {
    title: ['本网站没有通过统一身份认证的检查', 'The identity provider does not accept this site'],
    why: [
      '本网站的登记信息或密钥有误，请联系网站管理员。',
      'The registration or secret of this site is wrong: please tell its administrator.'
    ]
  },
  invalid_token: {
    title: ['访问令牌已失效', 'The access token is no longer valid'],
    why: [
      '访问令牌已过期或已撤销，请刷新令牌或重新登录。',
      'The access token has expired or was revoked: refresh it or sign in again.'
    ]
  },
  invalid_request: {
    title: ['请求有误', 'The request is not right'],
    why: ['提交的内容不完整或格式不对。', 'Something in the request is missing or malformed.']
  },
  invalid_response: {
    title: ['无法确认登录结果', 'The answer could not be verified'],
    why: [
      '统一身份认证的应答没有通过本网站的检查，因此没有采用。',
      'The answer of the identity provider failed our checks and was not used.'
    ]
  },
  foreign_form: {
    title: ['请在本网站上操作', 'Please act on this site'],
    why: ['这次提交来自另一个网站，没有执行。', 'This form came from another site and was not carried out.']
  },
  not_found: {
    title: ['找不到这个页面', 'Page not found'],
    why: ['网址可能输入有误，或者页面已经移走。', 'The address may be mistyped, or the page has moved.']
  },
  temporarily_unavailable: {
    title: ['统一身份认证暂时联系不上', 'The identity provider cannot be reached'],
    why: [
      '本网站正常，但现在无法登录。请过一会儿再试。',
      'This site is up, but login is not possible right now. Please try again shortly.'
    ]
  },
  server_error: {
    title: ['这一步没有成功', 'This step did not succeed'],
    why: ['问题已经记录。请再试一次，或稍后再来。', 'The fault has been recorded. Please try again, now or later.']
  }
}

const UNKNOWN_PROBLEM: { title: Words; why: Words } = {
  title: ['这一步没有成功', 'This step did not succeed'],
  why: ['统一身份认证没有接受这次请求。', 'The identity provider did not accept this request.']
}

export const problem = (code: string) => PROBLEMS[code] ?? UNKNOWN_PROBLEM
export const functionWords = (code: string): string => FUNCTIONS[code] ?? code
export const evidenceWords = (type: string): Words => EVIDENCE[type] ?? [type, type]
export const methodName = (method: string): string => CHECKS[method] ?? method
export const roleWords = (role: string): Words => ROLES[role] ?? [role, role]
export const methodWords = (method: string): Words => METHODS[method] ?? [method, method]
/** Date and time as read in Beijing, whatever the server's zone. */
export const beijingTime = (date: Date) => `${date.toLocaleString('zh-CN', { timeZone: 'Asia/Shanghai' })}（北京时间）`
export const levelWords = (level: number): Words | undefined => LEVELS[level]
