/** Administrators for tests: accounts put into the database and signed in, without the ceremonies. */
import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { Secret, TOTP } from 'otpauth'
import type { AdminRole } from '../../../src/domain/administration/administration.ts'
import { sessionLifetime } from '../../../src/journeys/console/site.ts'
import { openSession } from '../../../src/records/own-sites/index.ts'
import type { Answer, Browser, Kora } from '../../support/driver/index.ts'

export interface SignedIn {
  id: string
  browser: Browser
  loginName: string
}

/** A new account of this role, and a browser in which it is signed in. `seconds` ago credentials were given. */
export async function signInAs (
  kora: Kora,
  role: AdminRole,
  { language = 'zh-CN', secondsAgo = 0 }: { language?: string; secondsAgo?: number } = {}
): Promise<SignedIn> {
  const { db, config } = kora.inside.services
  const id = `adm_${randomBytes(9).toString('base64url')}`
  const loginName = `${role}-${randomBytes(3).toString('hex')}`
  await db
    .insertInto('adminAccount')
    .values({
      id,
      loginName,
      displayName: `${role} 测试`,
      role,
      status: 'active',
      passwordHash: null,
      totpSecretEnc: null,
      createdBy: 'test'
    })
    .execute()
  const secret = randomBytes(32).toString('base64url')
  const browser = kora.newBrowser({ language })
  browser.keepCookie(config.issuer, 'kora_browser', secret)
  const browserHash = createHash('sha256').update(secret).digest('base64url')
  await openConsoleSession(kora, browser, { accountId: id, browserHash, browserLabel: 'test' })
  if (secondsAgo > 0) {
    await db
      .updateTable('ownSiteSession')
      .set({ authenticatedAt: sql<Date>`now() - make_interval(secs => ${secondsAgo})` })
      .where('accountId', '=', id)
      .execute()
  }
  return { id, browser, loginName }
}

/** The browser is signed in at the console from now on. */
export async function openConsoleSession (
  kora: Kora,
  browser: Browser,
  { accountId, browserHash, browserLabel }: { accountId: string; browserHash: string; browserLabel: string }
): Promise<void> {
  const { db, config } = kora.inside.services
  const subject = { accountId, browserLabel, method: 'passkey' } as const
  const session = await openSession(db, { site: 'console', browserHash, subject, lifetime: sessionLifetime })
  browser.keepCookie(config.issuer, 'kora_admin', session, '/admin')
}

const codeAt = (secret: string, step: number): string =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + step * 30_000 })
/** Every code that could count within the time of a test. */
const codesOf = (secret: string): string[] => Array.from({ length: 24 }, (_, at) => codeAt(secret, at - 3))

/** A one-time code that is none of this secret, not even by chance. */
export const wrongCode = (secret: string): string =>
  ['000000', ...Array.from({ length: 24 }, (_, at) => String(111_111 + at))].find(
    (code) => !codesOf(secret).includes(code)
  ) ?? ''

/** A good code of one secret that is none of the other, not even by chance. */
export const foreignCode = (secret: string, other: string): string =>
  [0, -1, 1].map((step) => codeAt(secret, step)).find((code) => !codesOf(other).includes(code)) ?? ''

/** What a page shows once. */
export const onceOf = (answer: Answer): string => /id="once" value="([^"]+)"/.exec(answer.text)?.[1] ?? ''

/** Asked for an account or a reset: the code that only this page shows, and the page of what waits. */
export async function askedFor ({ browser }: SignedIn, answer: Answer): Promise<{ code: string; waits: Answer }> {
  const path = /\/admin\/approvals\/chg_[\w-]+/.exec(answer.text)?.[0]
  if (path === undefined) throw new Error(`nothing waits: ${answer.status} ${answer.url}`)
  return { code: onceOf(answer), waits: await browser.go(new URL(path, answer.url).href) }
}

/** Another administrator approves what waits; the request of a program is endorsed by a third one first. */
export async function approve (kora: Kora, id: string): Promise<Answer> {
  const at = `${kora.issuer}/admin/approvals/${id.split('/').at(-1) ?? ''}`
  const security = await signInAs(kora, 'security')
  const page = await security.browser.go(at)
  if (page.text.includes('/approve"')) {
    return await security.browser.submit(
      page,
      { reason: '同意' },
      { form: (form) => form.action.endsWith('/approve') }
    )
  }
  const system = await signInAs(kora, 'system')
  await system.browser.submit(
    await system.browser.go(at),
    { reason: '属实' },
    { form: (form) => form.action.endsWith('/vouch') }
  )
  return await security.browser.submit(
    await security.browser.go(at),
    { reason: '同意' },
    { form: (form) => form.action.endsWith('/approve') }
  )
}
