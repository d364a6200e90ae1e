/**
 * Settings: whether personal data are unmasked only after a second administrator approves. One administrator may switch
 * that on; switching it off needs approval itself.
 */
import { inTransaction } from '../../../database/transaction.ts'
import { readUnmaskingNeedsApproval, setUnmaskingNeedsApproval } from '../../../records/settings/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'

const kind = 'settings.reveal'
const path = '/admin/settings/reveal'

export function registerUnmaskSetting (console: Console): void {
  const { deps, approvals } = console
  const { db } = deps

  approvals.register<{ needed: boolean }>(kind, {
    async describe (from, { needed }, t) {
      return {
        title: t('console.settings.unmask.off'),
        facts: [
          {
            name: t('console.settings.unmask'),
            value: t(needed ? 'console.settings.unmask.two' : 'console.settings.unmask.one')
          }
        ],
        basis: String(await readUnmaskingNeedsApproval(from))
      }
    },
    async apply (trx, { needed }, { act }) {
      await setUnmaskingNeedsApproval(trx, deps, { needed, act })
      return { ok: true }
    }
  })

  const confirmModel = async (c: ConsoleRequest) => {
    const two = await readUnmaskingNeedsApproval(db)
    return {
      title: c.t(two ? 'console.settings.unmask.off' : 'console.settings.unmask.on'),
      lead: c.t(two ? 'console.settings.unmask.off.lead' : 'console.settings.unmask.effect'),
      facts: [
        {
          name: c.t('console.settings.unmask'),
          value: c.t(two ? 'console.settings.unmask.two' : 'console.settings.unmask.one')
        }
      ],
      hidden: [{ name: 'needed', value: String(!two) }],
      typed: null,
      action: path,
      submit: c.t(two ? 'console.settings.unmask.ask' : 'console.settings.unmask.on'),
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
        await inTransaction(
          db,
          async (trx) => await setUnmaskingNeedsApproval(trx, deps, { needed: true, act: confirmed.act })
        )
        return c.redirect('/admin/settings', 'saved')
      }
      return await c.askApproval({ kind, payload: { needed }, subject: 'reveal', act: confirmed.act })
    }
  })
}
