/** Words of the frame around the documentation. The documents themselves are Markdown (documents/). */
import type { DocLanguage } from './snippets/index.ts'

const zh = {
  docs: '开发者文档',
  contents: '目录',
  toContents: '转到目录',
  copy: '复制',
  copied: '已复制',
  copyFailed: '请手动选择后复制',
  table: '表格',
  notFound: '没有这一页',
  notFoundBody: '地址可能改了。最接近的页面：',
  code: '接入代码',
  codeIntro:
    '填上您的应用，下面的代码就带上真实的值。这里只做文字替换：不查询、不保存，也不会显示应用是否存在。密钥从不出现，请放在环境变量 OIDC_CLIENT_SECRET 里。',
  clientId: '应用编号 client_id',
  redirectUri: '回调地址 redirect_uri',
  postLogoutUri: '退出后的地址 post_logout_redirect_uri（可不填）',
  scope: '范围 scope',
  publicClient: '公开应用（没有密钥）',
  show: '显示代码',
  register: '需要登记的回调地址',
  tested: '由自动测试用未经修改的库运行：登录、读取用户信息、退出',
  untested: '按该库的文档编写，自动测试没有运行它',
  faults: '以下内容需要更正：',
  not_plain: '含有不能放进代码的字符（引号、空格、$、反斜杠等）',
  not_an_address: '不是完整的 http(s) 地址，或含有 # 或账号',
  own_path_needed: '请用单独的路径，例如 /callback：这个路径在代码里另有用途',
  tryTitle: '试一试',
  tryIntro: '用演示应用 demo-try 走一遍授权码流程，看到每一个请求和应答。可用测试账号登录。',
  tryScopes: '要哪些数据',
  tryLevel: '认证等级 acr_values',
  tryLevelNone: '不要求',
  tryPrompt: '怎样登录 prompt',
  tryPromptNone: '需要时才登录',
  tryPromptLogin: '总是重新登录（login）',
  tryPromptSelect: '重新选择身份（select_account）',
  tryPromptSilent: '不许出现页面（none）',
  tryBuild: '生成授权请求',
  tryRequest: '授权请求',
  tryRequestIntro: '这是网站把浏览器送去的地址。state、nonce 和 code_verifier 由网站保存，直到应答回来。',
  tryGo: '打开这个地址',
  tryAnswer: '应答',
  tryAnswerIntro: '浏览器带着授权码回来了；网站用它换令牌，再用访问令牌取用户信息。',
  tryErrorIntro: '请求没有完成，Kora 用标准错误码说明了原因。',
  tryStale: '这个应答不属于这个浏览器刚才的请求（state 不符），或者已经用过。请重新开始。',
  tryAgain: '再试一次',
  tryExplain: '这个错误码的说明',
  tryLogout: '退出登录',
  wireRequest: '浏览器被送往',
  wireKept: '网站自己保存',
  wireCallback: '浏览器回到',
  wireToken: '令牌请求',
  wireTokenAnswer: '令牌应答',
  wireUserinfo: '用户信息请求',
  wireUserinfoAnswer: '用户信息应答',
  decoded: '解码：ID 令牌（在本页内解码，没有发送到任何地方；没有校验签名，网站必须校验）'
}

export type Words = Readonly<typeof zh>

const en: Words = {
  docs: 'Developer documentation',
  contents: 'Contents',
  toContents: 'Go to contents',
  copy: 'Copy',
  copied: 'Copied',
  copyFailed: 'Select and copy by hand',
  table: 'Table',
  notFound: 'There is no such page',
  notFoundBody: 'It may have moved. The nearest pages:',
  code: 'Code for your site',
  codeIntro:
    'Fill in your client and the code below has real values. This only replaces text: nothing is looked up or ' +
    'stored, and it does not show whether a client exists. The secret never appears; it belongs into the environment ' +
    'variable OIDC_CLIENT_SECRET.',
  clientId: 'client_id',
  redirectUri: 'redirect_uri',
  postLogoutUri: 'post_logout_redirect_uri (may be empty)',
  scope: 'scope',
  publicClient: 'Public client (no secret)',
  show: 'Show the code',
  register: 'Redirect URI to register',
  tested: 'Run by automatic tests with the unmodified library: login, userinfo, logout',
  untested: 'Written after the library’s documentation; the automatic tests do not run it',
  faults: 'Please correct:',
  not_plain: 'has characters that cannot stand in code (quotes, spaces, $, backslash)',
  not_an_address: 'is not a complete http(s) address, or has a # or an account in it',
  own_path_needed: 'needs a path of its own, such as /callback: the code uses this one for something else',
  tryTitle: 'Try it',
  tryIntro:
    'Walk through the code flow with the demo client demo-try and see every request and answer. Sign in with a test ' +
    'account.',
  tryScopes: 'Which data',
  tryLevel: 'Level, acr_values',
  tryLevelNone: 'not asked for',
  tryPrompt: 'How to sign in, prompt',
  tryPromptNone: 'only if needed',
  tryPromptLogin: 'always again (login)',
  tryPromptSelect: 'choose the capacity again (select_account)',
  tryPromptSilent: 'without any page (none)',
  tryBuild: 'Build the authorization request',
  tryRequest: 'Authorization request',
  tryRequestIntro:
    'This is the address that a site sends the browser to. The site keeps state, nonce and code_verifier until the ' +
    'answer comes.',
  tryGo: 'Open this address',
  tryAnswer: 'Answer',
  tryAnswerIntro:
    'The browser came back with a code; the site redeems it for tokens, and asks userinfo with the access token.',
  tryErrorIntro: 'The request was not completed; Kora says why with a standard error code.',
  tryStale:
    'This answer does not belong to a request that this browser made just now (state does not fit), or it was used ' +
    'already. Begin again.',
  tryAgain: 'Try again',
  tryExplain: 'What this error code means',
  tryLogout: 'Sign out',
  wireRequest: 'The browser is sent to',
  wireKept: 'The site keeps',
  wireCallback: 'The browser comes back to',
  wireToken: 'Token request',
  wireTokenAnswer: 'Token response',
  wireUserinfo: 'Userinfo request',
  wireUserinfoAnswer: 'Userinfo response',
  decoded: 'Decoded: ID token (in this page, sent nowhere; the signature is not checked here, a site must)'
}

export const selectTexts = (language: DocLanguage): Words => (language === 'en' ? en : zh)
