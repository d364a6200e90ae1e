/**
 * Known pitfalls of each library, shown under its snippet. Each was found with the real library, or is in its
 * documentation.
 */
export type DocLanguage = 'zh-CN' | 'en'
export type Text = Readonly<Record<DocLanguage, string>>

const text = (zh: string, en: string): Text => ({ 'zh-CN': zh, en })

export const es256: Text = text(
  'Kora 用 ES256 签发 ID 令牌。只认 RS256 的库会报“算法不符”：按下面的写法设置，或请管理员为本应用登记 id_token_signed_response_alg=RS256。',
  'Kora signs ID tokens with ES256. Libraries that expect RS256 report a wrong algorithm: set it as below, or have ' +
    'the administrator register id_token_signed_response_alg=RS256 for this client.'
)

export const pkce: Text = text(
  'PKCE（S256）对所有应用都是必需的，有密钥的也一样；缺了会得到 invalid_request。',
  'PKCE (S256) is required of every client, those with a secret as well; without it the answer is invalid_request.'
)

export const notes = {
  exact: text(
    '回调地址逐字符比较：协议、主机、端口、路径、结尾的斜杠都要与登记的一致。',
    'The redirect URI is compared character by character: scheme, host, port, path and trailing slash as registered.'
  ),
  acting: text(
    'representation 说明以谁的名义办事；换身份会得到新的 sid，请按 sid 保存会话。',
    'representation says in whose name the person acts; another capacity comes with a new sid, so keep sessions by sid.'
  ),
  expressSession: text(
    '示例把会话放在内存里；正式环境请用 express-session 加共享存储。',
    'Sessions are kept in memory here; in production use express-session with a shared store.'
  ),
  authNonce: text(
    'Auth.js 默认不发 nonce，checks 里要写全三项。',
    'Auth.js sends no nonce unless checks names all three.'
  ),
  authLogout: text(
    'signOut() 只退出本站；要退出全部，请再转到 logoutUrl()。',
    'signOut() ends this site only; for everywhere go on to logoutUrl().'
  ),
  authUserinfo: text(
    'ID 令牌里没有姓名和手机号：idToken: false 让 Auth.js 去取 userinfo。',
    'Name and phone are not in the ID token: idToken: false makes Auth.js ask userinfo.'
  ),
  authPath: text(
    'Auth.js 的回调地址固定为 <basePath>/callback/<provider id>，请按这里写的地址登记。',
    'The redirect URI of Auth.js is always <basePath>/callback/<provider id>: register the one shown here.'
  ),
  springPkce: text(
    'Spring Security 只给公开应用自动加 PKCE，有密钥的要写 withPkce()。',
    'Spring Security adds PKCE by itself for public clients only; with a secret it needs withPkce().'
  ),
  springBack: text(
    '后端登出需要 Spring Security 6.2，并登记它的后端登出地址。',
    'Back-channel logout needs Spring Security 6.2 and its address registered.'
  ),
  ruoyi: text(
    '若依把登录状态放在自己的令牌里：在回调里用 tokenService.createToken() 代替 StpUtil.login()，再带着令牌回到前端。',
    'RuoYi keeps the login in a token of its own: in the callback use tokenService.createToken() in place of ' +
      'StpUtil.login() and hand it to the front end.'
  ),
  ruoyiUser: text(
    '用 sub 关联本地用户，不要用姓名或手机号；首次登录时自动建用户。',
    'Link local users by sub, never by name or phone; create them at their first login.'
  ),
  aspForm: text(
    '默认的 form_post 需要 SameSite=None 的 Cookie，只在 https 下可用；示例改为 query。',
    'The default, form_post, needs cookies with SameSite=None and so https; the example uses query.'
  ),
  aspMap: text('MapInboundClaims=false，否则 sub 会被改名。', 'MapInboundClaims=false, or sub gets another name.'),
  phpAlg: text(
    'jumbojett 不支持 ES256：请为本应用登记 id_token_signed_response_alg=RS256。',
    'jumbojett cannot verify ES256: have id_token_signed_response_alg=RS256 registered for this client.'
  ),
  phpThink: text(
    'ThinkPHP 写法相同，只把 session() 与 redirect() 换成框架自己的。',
    'ThinkPHP is the same, with its own session and redirect.'
  ),
  authlibPkce: text(
    'Authlib 要在 client_kwargs 里写 code_challenge_method，否则不发 PKCE。',
    'Authlib sends PKCE only with code_challenge_method in client_kwargs.'
  ),
  sameSite: text(
    '会话 Cookie 用 Lax；用 Strict 时，从 Kora 回来那一刻会丢会话，报 state 不符。',
    'Session cookies are Lax; with Strict they are missing on the way back from Kora, and state does not match.'
  ),
  flaskCookie: text(
    'Flask 的会话在 Cookie 里（已签名、未加密）：不要把访问令牌放进去。',
    'Flask keeps sessions in the cookie, signed but readable: put no access token there.'
  ),
  goAlg: text(
    'go-oidc 的校验默认只认 RS256，SupportedSigningAlgs 要写 ES256。',
    'The verifier of go-oidc accepts RS256 only unless SupportedSigningAlgs names ES256.'
  ),
  goSecret: text(
    'x/oauth2 会先试 Basic 再试表单，两种 Kora 都接受。',
    'x/oauth2 tries Basic first and the form next; Kora accepts either.'
  ),
  proxyEmail: text(
    'oauth2-proxy 默认要邮箱，而多数人没有登记邮箱：用 sub 代替。',
    'oauth2-proxy wants an e-mail address, which most people have not given: sub takes its place.'
  ),
  proxyNested: text(
    'oauth2-proxy 读不了嵌套声明：应用拿访问令牌去问 userinfo，或请管理员配置扁平别名。',
    'oauth2-proxy cannot read nested claims: the application asks userinfo with the access token, or the ' +
      'administrator sets up flat aliases.'
  ),
  apachePkce: text('OIDCPKCEMethod 默认不发：必须写 S256。', 'OIDCPKCEMethod is off by default: S256 must be set.'),
  apacheSameSite: text(
    'OIDCCookieSameSite On 给会话 Cookie 加 Lax；不写时新浏览器会把它当作 Lax，但刚登录两分钟内行为不同。',
    'OIDCCookieSameSite On marks cookies; without it browsers guess, and differently in the first two minutes.'
  ),
  apacheRedirect: text(
    'OIDCRedirectURI 是模块自己的地址：那里不能有页面，也不能被 ProxyPass 转走。',
    'OIDCRedirectURI belongs to the module: nothing may be served there, and ProxyPass must leave it alone.'
  ),
  apacheNames: text(
    '中文姓名不能直接放进请求头：base64url 编码，应用自己解码；应用只能从本机访问，否则别人可以伪造这些请求头。',
    'Chinese names do not survive in headers: they are in base64url for the application to decode; it must be ' +
      'reachable from this machine only, or anybody could forge the headers.'
  ),
  wechatView: text(
    '小程序的业务域名要登记本站和 Kora 的域名；个人主体的小程序不能用 web-view。',
    'Register this site and Kora as business domains of the mini-program; those of individuals may not use web-view.'
  ),
  wechatTicket: text(
    '授权码和令牌不进小程序：web-view 里只交出一次有效、一分钟内的凭据。',
    'Neither code nor tokens enter the mini-program: the web-view hands over a ticket, good once and for a minute.'
  )
} as const satisfies Record<string, Text>
