/**
 * A phone's browser without script: cookies by path, forms as they stand in the page, no redirect followed by itself.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import type { Test } from 'tap'
import { registerPhonePages } from '../../../src/journeys/phone-pages/index.ts'
import type { CreatedTicket, NewTicket } from '../../../src/records/scan-tickets/index.ts'
import { registerHttp, serverOptions } from '../../../src/http/index.ts'
import type { FaceSandbox } from '../../../src/simulators/face-provider/index.ts'
import { testDatabase } from '../../support/database.ts'
import { screen, type Screen } from '../../support/driver/screen.ts'
import { issuer, loginTicket, world, zhaxi, type World } from '../../records/scan-tickets/support.ts'

export async function serve (t: Test, { services, tickets }: Pick<World, 'services' | 'tickets'>): Promise<string> {
  const app = Fastify(serverOptions)
  await registerHttp(app, services)
  await registerPhonePages(app, services, tickets)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
}

interface Cookie {
  name: string
  value: string
  path: string
  attributes: string
}

export interface Shown extends Pick<Screen, 'page' | 'errors' | 'notices'> {
  status: number
  html: string
  location: string
  title: string
  headers: Headers
  path: string
}

const pathMatches = (cookie: string, path: string): boolean =>
  cookie === '/' || path === cookie || path.startsWith(`${cookie}/`)
const plain = (text: string): string =>
  text
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')

export class Browser {
  readonly base: string
  cookies: Cookie[] = []
  headers: Record<string, string> = {
    'user-agent': 'Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36',
    'accept-language': 'zh-CN'
  }

  constructor (base: string) {
    this.base = base
  }

  /** Another window: the same cookies as they are now. */
  copy (): Browser {
    const other = new Browser(this.base)
    other.cookies = [...this.cookies]
    return other
  }

  cookie (name: RegExp): Cookie | undefined {
    return this.cookies.find((cookie) => name.test(cookie.name))
  }

  forget (name: RegExp): void {
    this.cookies = this.cookies.filter((cookie) => !name.test(cookie.name))
  }

  /** The value that our server would hash for `browser_hash`; makes the cookie as the browser side would. */
  browserHash (): string {
    if (this.cookie(/browser$/) === undefined) {
      this.cookies.push({
        name: 'kora_browser',
        value: randomBytes(32).toString('base64url'),
        path: '/',
        attributes: ''
      })
    }
    return createHash('sha256')
      .update(this.cookie(/browser$/)?.value ?? '')
      .digest('base64url')
  }

  async send (address: string, form?: Record<string, string>, headers: Record<string, string> = {}): Promise<Shown> {
    const url = new URL(address, this.base)
    // what the provider sends back to is our public name
    const path = url.pathname + url.search
    const cookie = this.cookies
      .filter((one) => pathMatches(one.path, url.pathname))
      .map((one) => `${one.name}=${one.value}`)
      .join('; ')
    const response = await fetch(this.base + path, {
      method: form === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: {
        ...this.headers,
        ...(cookie === '' ? {} : { cookie }),
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers
      },
      ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() })
    })
    for (const line of response.headers.getSetCookie()) this.keep(line)
    const html = (await response.text()).replace(/<style>[\s\S]*?<\/style>/, '')
    return {
      status: response.status,
      html,
      location: response.headers.get('location') ?? '',
      ...screen(html),
      title: plain(/<h1[^>]*>([\s\S]*?)<\/h1>/.exec(html)?.[1] ?? '')
        .replace(/<[^>]*>/g, '')
        .trim(),
      headers: response.headers,
      path
    }
  }

  keep (line: string): void {
    const [pair = '', ...attributes] = line.split(/; */)
    const [name = '', value = ''] = pair.split('=')
    const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/'
    this.cookies = this.cookies.filter((one) => one.name !== name || one.path !== path)
    if (value !== '') this.cookies.push({ name, value, path, attributes: attributes.join('; ') })
  }

  /** Opens an address and follows what this service answers, up to a page or somebody else's address. */
  async open (address: string, form?: Record<string, string>): Promise<Shown> {
    let shown = await this.send(address, form)
    for (let hops = 0; shown.location.startsWith('/') && hops < 10; hops++) {
      if (shown.status !== 303) throw new Error(`redirect with ${shown.status}`)
      shown = await this.send(shown.location)
    }
    if (shown.location.startsWith('/')) throw new Error('redirects without end')
    return shown
  }

  /**
   * What pressing a button of the page sends; `fill` is what was typed. Hidden fields and typed values of the page come
   * along.
   */
  formOf (page: Shown, fill: Record<string, string> = {}, at = 0): { action: string; fields: Record<string, string> } {
    const form = [...page.html.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)][at]
    if (form === undefined) throw new Error(`no form on "${page.title}" (${page.status})`)
    const [, action = '', inside = ''] = form
    const fields: Record<string, string> = {}
    for (const [input] of inside.matchAll(/<input[^>]*>/g)) {
      const name = /name="([^"]*)"/.exec(input)?.[1]
      if (name === undefined || (/type="(radio|checkbox)"/.test(input) && !/ checked/.test(input))) continue
      fields[name] = plain(/value="([^"]*)"/.exec(input)?.[1] ?? '')
    }
    return { action: plain(action), fields: { ...fields, ...fill } }
  }

  async press (page: Shown, fill: Record<string, string> = {}): Promise<Shown> {
    const { action, fields } = this.formOf(page, fill)
    return await this.open(action, fields)
  }
}

export interface Here {
  world: World
  base: string
  sandbox: FaceSandbox
}

export async function here (t: Test, sandbox: FaceSandbox): Promise<Here> {
  const made = await world(await testDatabase(t), sandbox)
  return { world: made, base: await serve(t, made), sandbox }
}

export const typed = {
  name: zhaxi.name,
  cert_no: zhaxi.certNo,
  year: '2018',
  month: '5',
  day: '1',
  term: '20',
  consent: '1',
  decision: 'submit'
}
export const pathOf = (payloadUrl: string): string => payloadUrl.slice(issuer.length)

export async function ticket (
  world: World,
  extra: Partial<NewTicket> = {}
): Promise<{ ticket: NewTicket; created: CreatedTicket; row: () => Promise<any> }> {
  const made = loginTicket(world, extra)
  const created = await world.tickets.create(made)
  return {
    ticket: made,
    created,
    row: async () =>
      await world.services.db
        .selectFrom('scanTicket')
        .selectAll()
        .where('id', '=', created.ticketId)
        .executeTakeFirstOrThrow()
  }
}

/** Scan with the camera, press "continue in this browser". */
export async function enter (browser: Browser, created: CreatedTicket): Promise<Shown> {
  return await browser.press(await browser.open(pathOf(created.payloadUrl)))
}

/** Chooses the outcome on the provider's own page and goes back to where that sends. */
export async function capture (browser: Browser, page: Shown, outcome: string): Promise<Shown> {
  const response = await fetch(page.location, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `outcome=${outcome}`
  })
  return await browser.open(response.headers.get('location') ?? '')
}

export const start = { consent: '1', decision: 'start' }
