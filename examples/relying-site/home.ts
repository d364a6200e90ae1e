/** The front page: what one can ask of the identity provider, one link each. */
import type { FastifyInstance } from 'fastify'
import { acting } from './acting.ts'
import { LEVEL_3 } from './assurance.ts'
import { html } from './html.ts'
import { both, loginLink, note, sendPage } from './pages.ts'
import type { Site } from './relying-site.ts'
import type { LoginRequest } from './sessions.ts'
import type { Words } from './words.ts'

const WAYS: ReadonlyArray<[LoginRequest, Words, hint: string]> = [
  [{ acr_values: LEVEL_3 }, ['登录，要求 3 级认证', 'Sign in at level 3'], `acr_values=${LEVEL_3}`],
  [{ prompt: 'login' }, ['重新验证身份', 'Sign in again, even if already signed in'], 'prompt=login'],
  [{ prompt: 'none' }, ['静默检查：我是否已登录', 'Silent check: am I signed in?'], 'prompt=none'],
  [{ prompt: 'select_account' }, ['选择身份后登录', 'Choose an identity, then sign in'], 'prompt=select_account'],
  // a real site takes the code from the case at hand
  [
    { organization: '91540102MA6T1A2BXK', function: 'property.register' },
    ['代表“西藏示例科技有限公司”登记', 'Register for a given organization'],
    'authorization_details'
  ],
  [{ ui_locales: 'zh-CN' }, ['用中文登录', 'Sign in in Chinese'], 'ui_locales=zh-CN'],
  [{ ui_locales: 'bo' }, ['用藏文登录', 'Sign in in Tibetan'], 'ui_locales=bo'],
  [{ ui_locales: 'en' }, ['用英文登录', 'Sign in in English'], 'ui_locales=en']
]

export function homeRoutes (app: FastifyInstance, site: Site): void {
  app.get('/', (request, reply) => {
    const session = site.sessions.current(request)
    const signedOut = !session && site.sessions.wasEndedByProvider(request, reply)
    return sendPage(reply, site, {
      title: '首页',
      body: html`
${signedOut && note(['统一身份认证已将您退出，请重新登录。', 'You were signed out by the identity provider.'], { warn: true })}
${session && acting(site, session)}
<h1>网上办事 <span lang="en">Online services</span></h1>
<p>使用统一身份认证账号登录，本网站看不到您的密码。<span lang="en">Sign in with your unified identity: this site never sees your password.</span></p>
<div class="actions">${
        session
          ? html`<a class="button" href="/me">我的页面 <span lang="en">My page</span></a>`
          : html`<a class="button" href="${loginLink(site)}">登录 <span lang="en">Sign in</span></a>`
      }
<a class="button second" href="/property-certificate">办理不动产登记 <span lang="en">Register property</span></a></div>
<h2>其他登录方式 <span lang="en">Other ways to ask for a login</span></h2>
<ul class="ways">${WAYS.map(([ask, words, hint]) => html`<li><a href="${loginLink(site, ask)}">${both(words)}</a> <code>${hint}</code></li>`)}</ul>`
    })
  })
}
