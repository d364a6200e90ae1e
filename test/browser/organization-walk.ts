/**
 * What the walks of organizations share: a running Kora, people with their phones, what they were told, and pictures.
 */
import { mkdirSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import type { Test } from 'tap'
import { startKora, type Kora } from '../support/driver/index.ts'
import { until } from '../support/until.ts'
import { come, people, press, walk, type People, type Walk } from './journeys.ts'
export { codeOf } from '../support/organizations.ts'

const shots = process.env['KORA_SCREENSHOTS']
const narrow = { width: 320, height: 640 }
export const bare = { viewport: narrow, javaScriptEnabled: false }

export interface OrganizationWalk extends Omit<Walk, 'phone'>, People {
  kora: Kora
  /** axe as the page is; besides, it must not scroll sideways on the narrowest screen. */
  look(page: Page, where: string): Promise<void>
  come(page: Page): Promise<void>
  atSite(page: Page): Promise<void>
  /** Presses the link whose label for screen readers begins so. */
  labelled(page: Page, label: string): Promise<void>
  phoneOf(handle: string): Promise<Page>
  /** Has the person such a message, and (words given) a short message too? Waits for the outbox. */
  told(handle: string, kind: string, words?: string): Promise<void>
}

export async function organizationWalk (t: Test, browser: Browser): Promise<OrganizationWalk> {
  const kora = await startKora(t)
  const { of } = await people(kora)
  const { phone: newPhone, ...rest } = walk(t, browser)
  const { services } = kora.inside
  const phones = new Map<string, Page>()
  if (shots !== undefined) mkdirSync(shots, { recursive: true })

  const picture = async (page: Page, where: string): Promise<void> => {
    if (shots !== undefined) {
      await page.screenshot({ path: `${shots}/${where.replace(/[^\w\d]+/g, '-')}.png`, fullPage: true })
    }
  }
  return {
    ...rest,
    kora,
    of,
    async audit (page, where) {
      await rest.audit(page, where)
      await picture(page, where)
    },
    async look (page, where) {
      await rest.audit(page, where)
      const size = page.viewportSize()
      await page.setViewportSize(narrow)
      t.equal(
        await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
        0,
        `no sideways scrolling at 320 px: ${where}`
      )
      await picture(page, where)
      if (size !== null) await page.setViewportSize(size)
    },
    come: async (page) => {
      await come(page, kora.site)
    },
    atSite: async (page) => {
      await page.waitForURL(`${kora.site}/me`)
    },
    labelled: async (page, label) => {
      await press(page, `a[aria-label^="${label}"]`)
    },
    async phoneOf (handle) {
      const phone = phones.get(handle) ?? (await newPhone())
      phones.set(handle, phone)
      return phone
    },
    async told (handle, kind, words) {
      const { person_id: personId, phone } = of(handle)
      const came = await until(async () => {
        const message = await services.db
          .selectFrom('message')
          .select('id')
          .where('personId', '=', personId)
          .where('kind', '=', kind as never)
          .executeTakeFirst()
        return (
          message !== undefined &&
          (words === undefined || JSON.stringify(services.sandbox?.sms.messages(`+86${phone}`) ?? []).includes(words))
        )
      })
      if (!came) throw new Error('it did not come')
    }
  }
}
