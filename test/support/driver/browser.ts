/**
 * A browser without script: cookies by host and path, redirects followed step by step, forms read from the page.
 * Enough to walk every journey over real HTTP, and to see each answer on the way.
 */
import { parse, type Form } from './html.ts'
import { send } from './http.ts'

interface Cookie {
  name: string
  value: string
  path: string
}

export interface Answer {
  status: number
  url: string
  headers: Headers
  text: string
  /** Forms of the page, in order. */
  forms: Form[]
}

export interface BrowserOptions {
  userAgent?: string
  language?: string
  /** Sends requests to another origin, under the Host of their address: a proxy with two processes behind it. */
  route?: (url: URL) => URL
}

const desktop =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36'
export const phoneAgent =
  'Mozilla/5.0 (Linux; Android 9; Redmi 7A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/96.0.4664.45 Mobile ' +
  'Safari/537.36'

/** A person's phone, for the scan that acting for an organization needs once in a browser. */
export interface Phone {
  journey(input: { payload: string; person: string }): Promise<{ outcome: string; steps: unknown[] }>
}

export class Browser {
  /** Scans what the login shows, as the person whose account was typed last. */
  phone: Phone | null = null
  account: string | null = null
  readonly #cookies = new Map<string, Cookie>()
  readonly #options: BrowserOptions
  /** Addresses visited, newest last. */
  readonly history: string[] = []

  constructor (options: BrowserOptions = {}) {
    this.#options = options
  }

  /** Another window of the same browser profile. */
  clone (): Browser {
    const copy = new Browser(this.#options)
    for (const [key, cookie] of this.#cookies) copy.#cookies.set(key, cookie)
    copy.phone = this.phone
    copy.account = this.account
    return copy
  }

  cookie (name: string): string | undefined {
    return [...this.#cookies.values()].find((cookie) => cookie.name === name)?.value
  }

  /** A cookie as if an answer from this address had set it. */
  keepCookie (address: string, name: string, value: string, path = '/'): void {
    this.#cookies.set(`${new URL(address).hostname} ${path} ${name}`, { name, value, path })
  }

  dropCookies (match: (name: string) => boolean): void {
    for (const [key, cookie] of this.#cookies) if (match(cookie.name)) this.#cookies.delete(key)
  }

  /** One request, no redirect followed. */
  async request (address: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Answer> {
    const url = new URL(address)
    const target = this.#options.route?.(url) ?? url
    const cookies = [...this.#cookies]
      .filter(([key, cookie]) => key.startsWith(`${url.hostname} `) && url.pathname.startsWith(cookie.path))
      .map(([, cookie]) => `${cookie.name}=${cookie.value}`)
      .join('; ')
    const headers: Record<string, string> = {
      'user-agent': this.#options.userAgent ?? desktop,
      'accept-language': this.#options.language ?? 'zh-CN',
      accept: 'text/html',
      ...(cookies === '' ? {} : { cookie: cookies }),
      ...(init.headers as Record<string, string> | undefined)
    }
    const response =
      target === url
        ? await fetch(target, { redirect: 'manual', ...init, headers })
        : await send(target, {
          ...(init.method === undefined ? {} : { method: init.method }),
          headers: {
            ...headers,
            host: url.host,
            ...(init.body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {})
          },
          ...(init.body === undefined || init.body === null ? {} : { body: String(init.body) })
        })
    this.#store(url, response)
    this.history.push(url.href)
    const text = await response.text()
    return { status: response.status, url: url.href, headers: response.headers, text, forms: parse(text, url.href) }
  }

  /** A request and its redirects, as far as `stop` says no. */
  async go (
    address: string,
    init: RequestInit & { headers?: Record<string, string> } = {},
    stop: (url: URL) => boolean = () => false
  ): Promise<Answer> {
    let answer = await this.request(address, init)
    for (let i = 0; i < 20; i++) {
      const location = answer.headers.get('location')
      if (location === null || answer.status < 300 || answer.status > 399) return answer
      const next = new URL(location, answer.url)
      if (stop(next)) return { ...answer, url: next.href }
      answer = await this.request(next.href)
    }
    throw new Error(`too many redirects: ${this.history.slice(-5).join(' ')}`)
  }

  /** Sends a form of the page as it stands, with some fields changed. */
  async submit (
    page: Answer,
    fields: Record<string, string | string[]> = {},
    options: { form?: number | ((form: Form) => boolean); stop?: (url: URL) => boolean } = {}
  ): Promise<Answer> {
    // of the personal tab; left empty, it is the one that the page names
    const { account, role } = fields
    if (typeof account === 'string' && account !== '' && role === undefined) this.account = account
    const wanted = options.form ?? ((form: Form) => form.method === 'post')
    const form = typeof wanted === 'number' ? page.forms[wanted] : page.forms.find(wanted)
    if (form === undefined) {
      throw new Error(
        `no such form on ${page.url}: ${page.forms.map((item) => item.action).join(', ')}\n${page.text.slice(0, 600)}`
      )
    }
    const body = new URLSearchParams()
    const given = { ...form.fields, ...fields }
    for (const [name, value] of Object.entries(given)) {
      for (const item of Array.isArray(value) ? value : [value]) body.append(name, item)
    }
    return await this.go(
      form.action,
      { method: 'POST', body, headers: { origin: new URL(form.action).origin } },
      options.stop
    )
  }

  #store (url: URL, response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const at = pair.indexOf('=')
      const name = pair.slice(0, at)
      const attribute = (key: string): string | undefined =>
        attributes.find((item) => item.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1)
      const path = attribute('path') ?? '/'
      const key = `${url.hostname} ${path} ${name}`
      const expires = attribute('expires')
      const gone =
        attribute('max-age') === '0' ||
        (expires !== undefined && Date.parse(expires) < Date.now()) ||
        pair.slice(at + 1) === ''
      if (gone) this.#cookies.delete(key)
      else this.#cookies.set(key, { name, value: pair.slice(at + 1), path })
    }
  }
}
