/**
 * Settings: whether personal data are unmasked only after a second administrator approves. One administrator may switch
 * that on; switching it off needs approval itself.
 */
import { inTransaction } from '../../../database/transaction.ts'
import { revealNeedsTwo, setRevealNeedsTwo } from '../../../records/settings/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'

const kind = 'settings.reveal'
const path = '/admin/settings/reveal'

export function registerRevealSetting (console: Console): void {
  const { deps, changes } = console
  const { db } = deps

  changes.register<{ needed: boolean }>(kind, {
    async describe (from, { needed }, t) {
      return {
        title: t('console.settings.reveal.off'),
        facts: [
          {
            name: t('console.settings.reveal'),
            value: t(needed ? 'console.settings.reveal.two' : 'console.settings.reveal.one')
          }
        ],
        basis: String(await revealNeedsTwo(from))
      }
    },
    async apply (trx, { needed }, act) {
      await setRevealNeedsTwo(trx, deps, needed, act)
      return { ok: true }
    }
  })

  const confirmModel = async (c: ConsoleRequest) => {
    const two = await revealNeedsTwo(db)
    return {
      title: c.t(two ? 'console.settings.reveal.off' : 'console.settings.reveal.on'),
      lead: c.t(two ? 'console.settings.reveal.off.lead' : 'console.settings.reveal.effect'),
      facts: [
        {
          name: c.t('console.settings.reveal'),
          value: c.t(two ? 'console.settings.reveal.two' : 'console.settings.reveal.one')
        }
      ],
      hidden: [{ name: 'needed', value: String(!two) }],
      typed: null,
      action: path,
      submit: c.t(two ? 'console.settings.reveal.ask' : 'console.settings.reveal.on'),
      backHref: '/admin/settings'
    }
  }

  console.page({
    method: 'GET',
    path,
    roles: ['system'],
    reauth: true,
    handler: async (c) => c.confirm(await confirmModel(c))
  })
  console.page({
    method: 'POST',
    path,
    roles: ['system'],
    reauth: true,
    handler: async (c) => {
      const model = await confirmModel(c)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      // what the page offered, not what it would offer now
      const needed = c.field('needed') !== 'false'
      if (needed) {
        await inTransaction(db, async (trx) => await setRevealNeedsTwo(trx, deps, true, confirmed.act))
        return c.redirect('/admin/settings', 'saved')
      }
      const asked = await inTransaction(
        deps.db,
        async (trx) => await changes.request(trx, { kind, payload: { needed }, subject: 'reveal', act: confirmed.act })
      )
      return c.redirect(`/admin/approvals/${asked.id}`, asked.ok ? 'change_requested' : 'change_waiting')
    }
  })
}
