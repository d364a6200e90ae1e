/**
 * 签名密钥: the life of the signing keys, what sites keep of them, rotation by two administrators, and the answer to a leak
 * by one.
 */
import type { SigningAlg } from '../../../tokens/signing-keys.ts'
import { keyTimes, signingAlgs } from '../../../tokens/signing-keys.ts'
import { publicMaxAge } from '../../../tokens/signing-keys.ts'
import { routes, lifetimes } from '../../../oidc/configuration.ts'
import { DomainError } from '../../../domain/errors.ts'
import {
  emergencyRemoval,
  listKeys,
  listRemovedKeyUses,
  publishNext,
  rotateNow,
  type KeyView,
  type RemovedKeyUse
} from '../../../records/keys/index.ts'
import type { Console, ConsoleRequest } from '../console.ts'
import type { WithConsoleLayout } from '../layout.ts'

const readers = ['system', 'security', 'audit'] as const
const roles = ['system'] as const

interface KeyRow {
  kid: string
  state: KeyView['state']
  createdAt: string
  activatedAt: string | null
  retiredAt: string | null
  removedAt: string | null
  dueAt: string | null
  history: KeyView['history']
}

/** `groups`: the keys of each algorithm in the order of their life. */
export interface KeysPage extends WithConsoleLayout {
  groups: Array<{ alg: string; keys: KeyRow[]; mayRotate: 'yes' | 'early' | 'missing' }>
  uses: Array<Omit<RemovedKeyUse, 'firstAt' | 'lastAt'> & { lastAt: string }>
  rotationDays: number
  cacheMinutes: number
  publishedHours: number
  retiredHours: number
  may: { change: boolean; emergency: boolean }
}
export interface KeySetPage extends WithConsoleLayout {
  json: string
  url: string
  cacheMinutes: number
}

declare module '../../../http/pages.ts' {
  interface Pages {
    'console/keys/keys': KeysPage
    'console/keys/key-set': KeySetPage
  }
}

const life = ['pre-published', 'active', 'retired', 'removed']
const iso = (date: Date | null): string | null => date?.toISOString() ?? null
const toRow = (key: KeyView): KeyRow => ({
  kid: key.kid,
  state: key.state,
  createdAt: key.createdAt.toISOString(),
  activatedAt: iso(key.activatedAt),
  retiredAt: iso(key.retiredAt),
  removedAt: iso(key.removedAt),
  dueAt: iso(key.dueAt),
  history: key.history
})

interface RotatePayload {
  alg: SigningAlg
}

export function registerKeys (console: Console): void {
  const { deps } = console
  const { db, config } = deps

  console.approvals.register<RotatePayload>('keys.rotate', {
    async describe (on, { alg }, t) {
      const rows = await on
        .selectFrom('signingKey')
        .select(['kid', 'state'])
        .where('alg', '=', alg)
        .where('state', 'in', ['active', 'pre-published'])
        .execute()
      const kid = (state: string): string => rows.find((row) => row.state === state)?.kid ?? '–'
      if (kid('active') === '–') return null
      return {
        title: t('console.keys.rotate.title', { alg }),
        facts: [
          { name: t('console.keys.state.active'), value: kid('active') },
          { name: t('console.keys.state.pre-published'), value: kid('pre-published') },
          {
            name: t('console.keys.rotate.effect'),
            value: t('console.keys.rotate.lead', { m: lifetimes.idToken / 60, h: keyTimes.retired / 3600 })
          }
        ],
        basis: `${kid('active')} ${kid('pre-published')}`
      }
    },
    async apply (trx, { alg }, { act }) {
      try {
        await rotateNow(trx, deps, act, alg)
        return { ok: true }
      } catch (error) {
        if (error instanceof DomainError) return { ok: false, code: error.code }
        throw error
      }
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/keys',
    roles: readers,
    handler: async (c) => {
      const keys = await listKeys(db, { removed: 10 })
      const now = deps.clock.now()
      const { role } = c.administrator
      return c.page('console/keys/keys', {
        groups: signingAlgs.map((alg) => {
          const own = keys
            .filter((key) => key.alg === alg)
            .sort((a, b) => life.indexOf(a.state) - life.indexOf(b.state))
          const next = own.find(({ state }) => state === 'pre-published')
          return {
            alg,
            keys: own.map(toRow),
            mayRotate: next?.dueAt == null ? 'missing' : next.dueAt.getTime() <= now ? 'yes' : 'early'
          }
        }),
        uses: (await listRemovedKeyUses(db)).map(({ kid, clientId, place, uses, lastAt }) => ({
          kid,
          clientId,
          place,
          uses,
          lastAt: lastAt.toISOString()
        })),
        rotationDays: config.keyRotationDays,
        cacheMinutes: publicMaxAge / 60,
        publishedHours: keyTimes.published / 3600,
        retiredHours: keyTimes.retired / 3600,
        may: { change: role === 'system', emergency: role === 'system' || role === 'security' }
      })
    }
  })

  console.page({
    method: 'GET',
    path: '/admin/keys/set',
    roles: readers,
    handler: async (c) => {
      const keys = (await listKeys(db)).filter(({ state }) => state !== 'removed').map(({ publicJwk }) => publicJwk)
      return c.page('console/keys/key-set', {
        json: JSON.stringify({ keys }, null, 2),
        url: config.issuer + routes.jwks,
        cacheMinutes: publicMaxAge / 60
      })
    }
  })

  const readAlg = (c: ConsoleRequest): SigningAlg => {
    const { alg } = c.request.params as { alg?: string }
    return signingAlgs.find((one) => one === alg) ?? c.notFound()
  }

  const rotateModel = (c: ConsoleRequest) => {
    const alg = readAlg(c)
    return {
      title: c.t('console.keys.rotate.title', { alg }),
      lead: `${c.t('console.keys.rotate.lead', { m: lifetimes.idToken / 60, h: keyTimes.retired / 3600 })} ${c.t('console.keys.rotate.dual_control')}`,
      typed: null,
      action: `/admin/keys/rotate/${alg}`,
      submit: c.t('console.keys.rotate'),
      backHref: '/admin/keys'
    }
  }
  console.page({
    method: 'GET',
    path: '/admin/keys/rotate/:alg',
    roles,
    reauth: true,
    handler: (c) => c.confirm(rotateModel(c))
  })
  console.page({
    method: 'POST',
    path: '/admin/keys/rotate/:alg',
    roles,
    reauth: true,
    handler: async (c) => {
      const model = rotateModel(c)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      const alg = readAlg(c)
      const payload: RotatePayload = { alg }
      return await c.askApproval({ kind: 'keys.rotate', payload, subject: alg, act: confirmed.act })
    }
  })

  const publishModel = (c: ConsoleRequest) => {
    const alg = readAlg(c)
    return {
      title: c.t('console.keys.publish.title', { alg }),
      lead: c.t('console.keys.publish.lead', { h: keyTimes.published / 3600 }),
      typed: null,
      action: `/admin/keys/publish/${alg}`,
      submit: c.t('console.keys.publish'),
      backHref: '/admin/keys'
    }
  }
  console.page({
    method: 'GET',
    path: '/admin/keys/publish/:alg',
    roles,
    reauth: true,
    handler: (c) => c.confirm(publishModel(c))
  })
  console.page({
    method: 'POST',
    path: '/admin/keys/publish/:alg',
    roles,
    reauth: true,
    handler: async (c) => {
      const model = publishModel(c)
      const confirmed = c.confirmed()
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      try {
        await publishNext(deps, confirmed.act, readAlg(c))
        return c.redirect('/admin/keys', 'key_published')
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
        return c.redirect('/admin/keys', 'key_there')
      }
    }
  })

  const leakModel = async (c: ConsoleRequest) => {
    const { kid = '' } = c.request.params as { kid?: string }
    const key = (await listKeys(db)).find((one) => one.kid === kid && one.state !== 'removed')
    if (key === undefined) return c.notFound()
    return {
      title: c.t('console.keys.leak.title'),
      lead: c.t('console.keys.leak.lead', { m: publicMaxAge / 60 }),
      facts: [
        { name: 'kid', value: kid },
        { name: 'alg', value: key.alg },
        { name: c.t('console.keys.state'), value: c.t.code([`console.keys.state.${key.state}`], 'console.keys.state') }
      ],
      // enough of it to be sure which one
      typed: kid.slice(0, 8),
      action: `/admin/keys/leak/${kid}`,
      submit: c.t('console.keys.leak'),
      backHref: '/admin/keys'
    }
  }
  const leakRoles = ['system', 'security'] as const
  console.page({
    method: 'GET',
    path: '/admin/keys/leak/:kid',
    roles: leakRoles,
    reauth: true,
    handler: async (c) => c.confirm(await leakModel(c))
  })
  console.page({
    method: 'POST',
    path: '/admin/keys/leak/:kid',
    roles: leakRoles,
    reauth: true,
    handler: async (c) => {
      const model = await leakModel(c)
      const confirmed = c.confirmed(model.typed)
      if (!confirmed.ok) return c.confirm({ ...model, ...confirmed })
      try {
        const { successorKnown } = await emergencyRemoval(
          deps,
          confirmed.act,
          (c.request.params as { kid: string }).kid
        )
        return c.redirect('/admin/keys', successorKnown ? 'key_expelled' : 'key_expelled_unknown')
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
        return c.notFound()
      }
    }
  })
}
