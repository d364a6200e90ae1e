/** The frame around every page, its security headers, and the page that says what went wrong. */
import type { FastifyReply } from 'fastify'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { LoginRequest } from './sessions.ts'
import { html, Html, type Content } from './html.ts'
import type { Site } from './relying-site.ts'
import { problem, type Words } from './words.ts'

const CSS = readFileSync(new URL('style.css', import.meta.url), 'utf8')

/**
 * No script at all, one inline style sheet known by its hash. `form-action` is left out on purpose: browsers apply
 * it to the redirects after a form too, and the logout form ends at the identity provider.
 */
export const SECURITY_HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(CSS).digest('base64')}'; img-src data:; base-uri 'none'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cache-control': 'no-store'
}

/** Chinese, and English as the second line. */
export function both ([zh, en]: Words): Html {
  return html`${zh} <span lang="en">${en}</span>`
}

export function sendPage (
  reply: FastifyReply,
  site: Site,
  page: { title: string; body: Html; status?: number }
): FastifyReply {
  return reply
    .code(page.status ?? 200)
    .type('text/html; charset=utf-8')
    .send(
      html`<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="renderer" content="webkit">
<title>${page.title} - ${site.name}</title>
<link rel="icon" href="data:,">
<style>${new Html(CSS)}</style>
</head>
<body>
<header>
<strong>${site.name}</strong>
<nav aria-label="主导航"><a href="/">首页</a> <a href="/property-certificate">办理不动产登记</a> <a href="/me">我的</a></nav>
</header>
<main>
${page.body}
</main>
<footer><p>演示网站，不办理真实业务。<span lang="en">A sample site: nothing here is real.</span></p></footer>
</body>
</html>`.text
    )
}

/** Result of an action: good news or a warning, announced by screen readers. */
export function note (words: Words, { warn = false, more }: { warn?: boolean; more?: Content } = {}): Html {
  return html`<div class="${warn ? 'note warn' : 'note'}" role="status">${both(words)}${more}</div>`
}

/** JSON to look at, folded away. */
export function fold (title: Words, value: unknown): Html {
  return html`<details><summary>${both(title)}</summary><pre>${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</pre></details>`
}

/** What happened, why, what to do now; the code and the provider's own words for developers. */
export function problemPage (
  reply: FastifyReply,
  site: Site,
  {
    status,
    code,
    detail,
    actions
  }: {
    status: number
    code: string
    detail?: string | undefined
    actions?: Html
  }
): FastifyReply {
  const { title, why } = problem(code)
  return sendPage(reply, site, {
    status,
    title: `错误：${title[0]}`,
    body: html`
<h1>${both(title)}</h1>
<p>${both(why)}</p>
<div class="actions">${actions ?? tryAgain(site)}</div>
<details><summary>给开发者的信息 <span lang="en">For developers</span></summary>
<p><code>error=${code}</code></p>${detail !== undefined && html`<p><code>error_description=${detail}</code></p>`}</details>`
  })
}

/** A link that begins a login, asking again for what was asked before, except silence. */
export function tryAgain (site: Site, asked: LoginRequest = {}): Html {
  const { prompt, ...rest } = asked
  return html`<a class="button" href="${loginLink(site, prompt === 'none' ? rest : asked)}">重新登录 <span lang="en">Try again</span></a>
<a class="button second" href="/">回到首页 <span lang="en">Home</span></a>`
}

/**
 * Absolute, so that a visitor who came by another name of this host gets the cookies where the callback will look for
 * them.
 */
export function loginLink (site: Site, request: LoginRequest = {}): string {
  const url = new URL('/login', site.baseUrl)
  for (const [name, value] of Object.entries(request)) url.searchParams.set(name, String(value))
  return url.href
}
