/**
 * Error codes that relying sites see, each with an anchor on /developers/errors: error pages and `kora code` link
 * there. Standard codes only; what is special about Kora is in the advice.
 */
import type { DocLanguage } from './snippets/index.ts'

export interface ErrorEntry {
  code: string
  /** Where it is seen: at the redirect URI, on a page, at the token endpoint, at userinfo or another resource. */
  at: 'redirect' | 'page' | 'token' | 'resource' | 'redirect_or_page' | 'token_or_redirect'
  meaning: Readonly<Record<DocLanguage, string>>
  advice: Readonly<Record<DocLanguage, string>>
}

interface EntryInput {
  code: string
  at: ErrorEntry['at']
  zh: readonly [string, string]
  en: readonly [string, string]
}

const entry = ({ code, at, zh, en }: EntryInput): ErrorEntry => ({
  code,
  at,
  meaning: { 'zh-CN': zh[0], en: en[0] },
  advice: { 'zh-CN': zh[1], en: en[1] }
})

export const errorCatalogue: readonly ErrorEntry[] = [
  entry({
    code: 'invalid_request',
    at: 'redirect_or_page',
    zh: [
      '请求缺少参数、参数重复或互相矛盾。',
      '看 error_description。最常见的是没有 PKCE：每个应用都要送 code_challenge 和 code_challenge_method=S256。redirect_uri 必须写上，即使只登记了一个。'
    ],
    en: [
      'A parameter is missing, repeated, or contradicts another.',
      'Read error_description. Most often PKCE is missing: every client sends code_challenge and ' +
        'code_challenge_method=S256. redirect_uri must be sent even when only one is registered.'
    ]
  }),
  entry({
    code: 'invalid_client',
    at: 'page',
    zh: [
      '没有这个应用、应用已停用，或者应用的身份验证不对。',
      '核对 client_id；在令牌端点核对密钥和方式（client_secret_basic 要对编号和密钥分别做 URL 编码）。刚轮换过密钥时，确认部署的是新密钥。'
    ],
    en: [
      'There is no such client, it is disabled, or its authentication failed.',
      'Check client_id; at the token endpoint check the secret and the method (client_secret_basic URL-encodes id ' +
        'and secret). After a rotation make sure that the new secret is deployed.'
    ]
  }),
  entry({
    code: 'invalid_redirect_uri',
    at: 'page',
    zh: [
      'redirect_uri 与登记的没有一个完全相同。',
      '逐字符比较：http/https、主机、端口、路径、结尾的斜杠、查询串。错误页“给开发者的信息”里有收到的值；管理员可以用地址测试看出差别。'
    ],
    en: [
      'redirect_uri equals none of the registered ones.',
      'They are compared character by character: scheme, host, port, path, trailing slash, query. The error page ' +
        'shows the value received under “For developers”; an administrator’s address tester names the difference.'
    ]
  }),
  entry({
    code: 'unauthorized_client',
    at: 'redirect_or_page',
    zh: ['这个应用不许用这种授权方式。', '请管理员在应用里开通，例如 refresh_token 或 client_credentials。'],
    en: [
      'This client may not use this grant.',
      'Have the administrator allow it for the client, refresh_token or client_credentials for example.'
    ]
  }),
  entry({
    code: 'unsupported_response_type',
    at: 'redirect_or_page',
    zh: ['只提供授权码：response_type=code。', '隐式和混合流程不提供；请改用授权码加 PKCE。'],
    en: ['Only response_type=code is offered.', 'There is no implicit or hybrid flow; use the code flow with PKCE.']
  }),
  entry({
    code: 'unsupported_response_mode',
    at: 'redirect_or_page',
    zh: [
      '没有这种 response_mode。',
      '去掉这个参数即为 query；另有 form_post，以及签名的 jwt、query.jwt、form_post.jwt。'
    ],
    en: [
      'There is no such response_mode.',
      'Leave it out for query; there are form_post and, signed, jwt, query.jwt and form_post.jwt.'
    ]
  }),
  entry({
    code: 'invalid_scope',
    at: 'redirect',
    zh: ['要的范围不存在，或者这个应用没有登记。', '对照“范围与字段”；identity 要由管理员授予并写明用途。'],
    en: [
      'A scope does not exist or is not registered for this client.',
      'See Scopes and claims; identity is granted by an administrator with a purpose.'
    ]
  }),
  entry({
    code: 'access_denied',
    at: 'redirect',
    zh: ['本人拒绝了，或取消了登录，或在手机上点了“不是我”。', '不要自动重试；给一个“重新登录”的按钮。'],
    en: [
      'The person refused, cancelled, or said on the phone that it was not them.',
      'Do not try again by yourself; offer a button to sign in again.'
    ]
  }),
  entry({
    code: 'login_required',
    at: 'redirect',
    zh: ['prompt=none，但没有可用的登录。', '去掉 prompt=none 再来一次，让人登录。'],
    en: ['prompt=none was sent and there is no login to use.', 'Ask again without prompt=none.']
  }),
  entry({
    code: 'interaction_required',
    at: 'redirect',
    zh: ['prompt=none，但需要本人操作（例如选择以谁的名义办事，或提高等级）。', '去掉 prompt=none 再来一次。'],
    en: [
      'prompt=none was sent and the person has something to do (choose a capacity, strengthen the login).',
      'Ask again without prompt=none.'
    ]
  }),
  entry({
    code: 'consent_required',
    at: 'redirect',
    zh: ['prompt=none，但本人还没有同意提供这些数据。', '去掉 prompt=none 再来一次。'],
    en: [
      'prompt=none was sent and the person has not agreed to the release of the data yet.',
      'Ask again without prompt=none.'
    ]
  }),
  entry({
    code: 'account_selection_required',
    at: 'redirect',
    zh: ['prompt=none，但要先选择身份。', '去掉 prompt=none 再来一次。'],
    en: ['prompt=none was sent and a capacity must be chosen first.', 'Ask again without prompt=none.']
  }),
  entry({
    code: 'invalid_authorization_details',
    at: 'token_or_redirect',
    zh: [
      'authorization_details 有误：类型、成员、统一社会信用代码、事项或身份。',
      '看 error_description，它指出是哪个成员。只有一种类型 <issuer>/rar/representation，一次一个元素；actions 取自应用自己登记的事项目录；应用必须接受法人。'
    ],
    en: [
      'authorization_details is wrong: its type, a member, the unified social credit code, an action or a role.',
      'Read error_description: it names the member. There is one type, <issuer>/rar/representation, one element at a ' +
        'time; actions come from the client’s own catalogue of functions; the client must accept organizations.'
    ]
  }),
  entry({
    code: 'unmet_authentication_requirements',
    at: 'redirect',
    zh: [
      '要求的认证等级达不到（OpenID 扩展错误码）。',
      '四级（证书）目前不能在线达到；其他等级请检查 acr_values 的写法。'
    ],
    en: [
      'The level asked for cannot be reached (an OpenID error code).',
      'Level 4 (certificate) cannot be reached online; for others check the spelling of acr_values.'
    ]
  }),
  entry({
    code: 'invalid_target',
    at: 'token_or_redirect',
    zh: [
      'resource 不是登记的接口（RFC 8707），这个应用没有获准使用它，或者登录等级不够。',
      '核对 resource 的值，它和 aud 完全相同；请管理员在应用的“权限”页登记；等级不够时重新发起授权请求。'
    ],
    en: [
      'resource is no registered API (RFC 8707), the client was not granted it, or the login is too weak for it.',
      'Check its value; it equals aud to the character. Ask an administrator for the grant. For a stronger login ' +
        'start a new authorization request.'
    ]
  }),
  entry({
    code: 'invalid_request_uri',
    at: 'redirect_or_page',
    zh: ['推送的请求（PAR）已过期或已用过。', '每次登录推送一次，马上使用。'],
    en: ['The pushed request (PAR) is over or was used.', 'Push one for each login and use it at once.']
  }),
  entry({
    code: 'request_not_supported',
    at: 'redirect_or_page',
    zh: ['这里不接受 request 参数（JAR）：设备授权只接受普通参数。', '直接写参数。'],
    en: [
      'The request parameter (JAR) is not taken here: devices send plain parameters.',
      'Send the parameters themselves.'
    ]
  }),
  entry({
    code: 'invalid_request_object',
    at: 'redirect_or_page',
    zh: [
      '签名的请求（JAR, RFC 9101）不对：签名、算法、iss、aud、client_id、exp，或者太长。',
      '看 error_description。用登记的公钥对应的私钥以 ES256 或 RS256 签名；iss 和 client_id 是应用编号，aud 是签发者；每次新做一个，exp 写几分钟。'
    ],
    en: [
      'The signed request (JAR, RFC 9101) is wrong: signature, algorithm, iss, aud, client_id, exp, or it is too long.',
      'Read error_description. Sign with ES256 or RS256 and a registered key; iss and client_id are the client’s ' +
        'identifier, aud is the issuer; make a new one each time with an exp some minutes ahead.'
    ]
  }),
  entry({
    code: 'request_uri_not_supported',
    at: 'redirect_or_page',
    zh: ['不从网址读取请求。', '把签名的请求放进 request 参数，或用推送的请求（PAR）。'],
    en: ['Requests are not fetched from addresses.', 'Send the signed request by value (request), or push it (PAR).']
  }),
  entry({
    code: 'invalid_grant',
    at: 'token',
    zh: [
      '授权码或刷新令牌不对、过期、已经用过、属于别的应用，或者 code_verifier、redirect_uri 与请求时不同。',
      '授权码只能用一次，{{codeLifetime}}内有效：不要让代理重试 POST，不要让两个进程同时兑换。代理关系结束、退出登录、账号停用后，刷新令牌也得到这个错误：请让人重新登录。'
    ],
    en: [
      'The code or refresh token is wrong, over, used, somebody else’s, or code_verifier or redirect_uri differ from ' +
        'the request.',
      'A code is good once, for {{codeLifetime}}: no proxy may repeat the POST, no two processes redeem it. When a ' +
        'delegation has ended, after logout, or when an account is disabled, refresh tokens get this too: let the ' +
        'person sign in again.'
    ]
  }),
  entry({
    code: 'unsupported_grant_type',
    at: 'token',
    zh: [
      '没有这种授权方式。',
      '提供：authorization_code、refresh_token、client_credentials，以及设备授权 urn:ietf:params:oauth:grant-type:device_code。'
    ],
    en: [
      'There is no such grant.',
      'There are authorization_code, refresh_token, client_credentials and ' +
        'urn:ietf:params:oauth:grant-type:device_code.'
    ]
  }),
  entry({
    code: 'authorization_pending',
    at: 'token',
    zh: ['还没有人在手机或电脑上为这台设备做出决定（RFC 8628）。', '过 interval 秒再问，不是故障。'],
    en: ['Nobody has decided about this device yet (RFC 8628).', 'Ask again after interval seconds; nothing is wrong.']
  }),
  entry({
    code: 'slow_down',
    at: 'token',
    zh: ['设备问得太勤了。', '每收到一次，间隔加 5 秒，以后都用新的间隔。'],
    en: ['The device asks too often.', 'Each time, add 5 seconds to the interval, for good.']
  }),
  entry({
    code: 'expired_token',
    at: 'token',
    zh: ['设备代码过期了：没有人来，或来得太晚。', '重新申请一个代码，显示给人看。'],
    en: ['The device code is over: nobody came, or too late.', 'Ask for another code and show it.']
  }),
  entry({
    code: 'invalid_dpop_proof',
    at: 'token',
    zh: ['DPoP 证明不对、过期或重复使用（RFC 9449）。', '每个请求新做一个证明；校准服务器时钟。'],
    en: [
      'The DPoP proof is wrong, over or replayed (RFC 9449).',
      'Make a new proof for each request; keep clocks right.'
    ]
  }),
  entry({
    code: 'use_dpop_nonce',
    at: 'token',
    zh: ['请求里要带上应答头 DPoP-Nonce 给出的值。', '带上它再试一次。'],
    en: ['The value of the DPoP-Nonce header must be in the proof.', 'Try once more with it.']
  }),
  entry({
    code: 'invalid_token',
    at: 'resource',
    zh: ['访问令牌过期、已撤销，或本人在这个身份下的权限已经结束。', '用刷新令牌换一次；仍不行就让人重新登录。'],
    en: [
      'The access token is over, revoked, or the person’s authority in this capacity has ended.',
      'Refresh once; if that fails, let the person sign in again.'
    ]
  }),
  entry({
    code: 'insufficient_scope',
    at: 'resource',
    zh: ['访问令牌没有需要的范围。', '在授权请求里加上范围，重新登录。'],
    en: ['The access token lacks a scope.', 'Add it to the authorization request and sign in again.']
  }),
  entry({
    code: 'insufficient_user_authentication',
    at: 'resource',
    zh: ['资源要求更高的认证等级（RFC 9470）。', '把 WWW-Authenticate 里的 acr_values 和 max_age 放进新的授权请求。'],
    en: [
      'The resource asks for a stronger login (RFC 9470).',
      'Put acr_values and max_age of WWW-Authenticate into a new authorization request.'
    ]
  }),
  entry({
    code: 'unsupported_token_type',
    at: 'token',
    zh: ['不能撤销或查询 JWT 访问令牌。', '它们本来就很短；请等它过期，或用不透明令牌。'],
    en: ['JWT access tokens cannot be revoked or introspected.', 'They are short-lived; wait, or use opaque tokens.']
  }),
  entry({
    code: 'temporarily_unavailable',
    at: 'redirect_or_page',
    zh: ['服务暂时不可用。', '按 Retry-After 稍后再试。'],
    en: ['The service cannot answer at the moment.', 'Try again after Retry-After.']
  }),
  entry({
    code: 'server_error',
    at: 'redirect_or_page',
    zh: ['Kora 内部出错。', '把错误页上的问题编号告诉管理员：日志和审计用同一个编号。'],
    en: ['Kora has failed.', 'Give the administrator the problem number of the page: log and audit have the same.']
  })
]

export const isErrorCode = (code: string): boolean => errorCatalogue.some((one) => one.code === code)

const places: Record<ErrorEntry['at'], Record<DocLanguage, string>> = {
  redirect: { 'zh-CN': '回调地址', en: 'redirect URI' },
  page: {
    'zh-CN': '错误页（client_id 或 redirect_uri 不可信时，不回到网站）；令牌端点',
    en: 'error page (nothing goes back while client_id or redirect_uri cannot be trusted); token endpoint'
  },
  token: { 'zh-CN': '令牌端点', en: 'token endpoint' },
  resource: { 'zh-CN': 'userinfo 与其他资源，WWW-Authenticate', en: 'userinfo and other resources, WWW-Authenticate' },
  redirect_or_page: { 'zh-CN': '回调地址；回不去时在错误页', en: 'redirect URI, or a page when there is no way back' },
  token_or_redirect: { 'zh-CN': '回调地址、令牌端点', en: 'redirect URI, token endpoint' }
}

/** The catalogue as Markdown: one heading with its anchor for each code. */
export function errorsMarkdown (language: DocLanguage): string {
  const seen = language === 'en' ? 'Seen at' : '出现在'
  const colon = language === 'en' ? ': ' : '：'
  return errorCatalogue
    .map(
      ({ code, at, meaning, advice }) =>
        `## \`${code}\` {#${code}}\n\n${meaning[language]} ${advice[language]}\n\n${seen}${colon}${places[at][language]}`
    )
    .join('\n\n')
}
