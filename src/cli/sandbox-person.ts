/**
 * A person of the sandbox in place of a browser: opens the address, enters account and password, and lets the simulated
 * phone do its part. Only against a Kora with its sandbox on; knows only the forms of the pages.
 */
import { CodeFlowError } from './code-flow.ts'

interface Account {
  handle: string
  cert_no: string
  password: string
}

/** Goes from the authorization request to the return to the site, which is requested too. */
export async function walk (issuer: string, address: string, handle: string): Promise<void> {
  const person = (await sandbox<{ persons: Account[] }>({ issuer, method: 'GET', path: '/accounts' })).persons.find(
    (one) => one.handle === handle
  )
  if (person === undefined) {
    throw new CodeFlowError('sandbox', `the sandbox knows nobody called "${handle}": see ${issuer}/sandbox`)
  }
  const browser = new Browser(issuer)
  let page = await browser.open(address)
  // password, then perhaps a code to scan, then perhaps the way on; a page that stays the same is not ours to answer
  for (let steps = 0; page !== null && steps < 4; steps++) {
    const payload = /data-payload="([^"]+)"/.exec(page.html)?.[1]
    const onward = /href="([^"]*\/oidc\/auth\/[^"]*)"/.exec(page.html)?.[1]
    if (/name="password"/.test(page.html)) {
      page = await browser.submit(page, 'name="password"', {
        account: person.cert_no,
        password: person.password,
        agree: '1'
      })
    } else if (/name="choice" value="self"/.test(page.html)) {
      page = await browser.submit(page, 'name="choice"', { choice: 'self' })
    } else if (payload !== undefined) {
      const { outcome } = await sandbox<{ outcome: string }>({
        issuer,
        method: 'POST',
        path: '/phone/journeys',
        body: {
          payload: decode(payload),
          person: handle
        }
      })
      if (outcome !== 'confirmed') throw new CodeFlowError('sandbox', `the simulated phone ended with ${outcome}`)
      page = await browser.submit(page, '/check"', {})
    } else if (onward !== undefined) page = await browser.open(new URL(decode(onward), page.url).href)
    else break
  }
  if (page !== null) {
    const title = /<h1[^>]*>([^<]*)/.exec(page.html)?.[1]?.trim() ?? `HTTP ${page.status}`
    throw new CodeFlowError(
      'sandbox',
      `stopped at a page that needs a person: ${title}. Open the address in a browser.`
    )
  }
}

const decode = (text: string): string =>
  text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'")

async function sandbox<T> ({
  issuer,
  method,
  path,
  body
}: {
  issuer: string
  method: string
  path: string
  body?: unknown | undefined
}): Promise<T> {
  const response = await fetch(`${issuer}/sandbox/api${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  })
  if (!response.ok) throw new CodeFlowError('sandbox', `${issuer} has no sandbox, or it refused: ${response.status}`)
  return (await response.json()) as T
}

interface Page {
  url: string
  status: number
  html: string
}

class Browser {
  readonly #issuer: string
  readonly #cookies = new Map<string, { value: string; path: string }>()

  constructor (issuer: string) {
    this.#issuer = issuer
  }

  /** Null: the browser has left for the site. */
  async open (address: string, init: RequestInit = {}): Promise<Page | null> {
    let [next, request] = [address, init]
    for (let hops = 0; hops < 15; hops++) {
      const url = new URL(next)
      // the way back to the site; it gets none of Kora's cookies
      if (url.origin !== this.#issuer) {
        await (await fetch(url)).text()
        return null
      }
      const cookie = [...this.#cookies]
        .filter(([, { path }]) => url.pathname.startsWith(path))
        .map(([name, { value }]) => `${name.split(' ')[0] ?? ''}=${value}`)
        .join('; ')
      const response = await fetch(url, {
        ...request,
        redirect: 'manual',
        headers: {
          accept: 'text/html',
          'accept-language': 'zh-CN',
          ...(cookie === '' ? {} : { cookie }),
          ...(request.headers as Record<string, string> | undefined)
        }
      })
      for (const line of response.headers.getSetCookie()) this.#keep(line)
      const location = response.headers.get('location')
      const html = await response.text()
      if (location === null) return { url: url.href, status: response.status, html }
      next = new URL(location, url).href
      request = {}
    }
    throw new CodeFlowError('sandbox', 'too many redirects')
  }

  /** The form that contains `mark`, with its hidden fields. */
  async submit (page: Page, mark: string, fields: Record<string, string>): Promise<Page | null> {
    const form =
      [...page.html.matchAll(/<form\b[\s\S]*?<\/form>/g)].map(([text]) => text).find((text) => text.includes(mark)) ??
      ''
    const body = new URLSearchParams(fields)
    for (const [, name = '', value = ''] of form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)) {
      body.append(name, decode(value))
    }
    const action = new URL(decode(/action="([^"]*)"/.exec(form)?.[1] ?? ''), page.url).href
    return await this.open(action, { method: 'POST', body, headers: { origin: this.#issuer } })
  }

  #keep (line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const at = pair.indexOf('=')
    const path = attributes.find((item) => /^path=/i.test(item))?.slice(5) ?? '/'
    const key = `${pair.slice(0, at)} ${path}`
    if (
      at + 1 === pair.length ||
      attributes.some((item) => /^expires=Thu, 01 Jan 1970/i.test(item) || /^max-age=0$/i.test(item))
    ) {
      this.#cookies.delete(key)
    } else this.#cookies.set(key, { value: pair.slice(at + 1), path })
  }
}
