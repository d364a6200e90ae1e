/**
 * The device grant (RFC 8628) in the provider. The device's side is the library's, completed here: how often to ask,
 * and `slow_down`. The person's side is ours (journeys/device-login) as far as the decision; then the hosted login runs
 * as for every other request, and the library's `device_resume` ends it. Its own page for the short code is switched
 * off.
 */
import type { Kysely, Transaction } from 'kysely'
import { Provider, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import type { Database } from '../database/schema.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import { newIdentifier } from '../domain/identifier.ts'
import { parseRef } from '../domain/representation/representation.ts'
import { notify } from '../records/messages/index.ts'
import type { OidcDeps } from './deps.ts'
import { lifetimes, routes } from './configuration.ts'
import type { DeviceAllowed } from './device-code-adapter.ts'
import { notePoll, pollSeconds, type DeviceLogin } from './device-codes.ts'
import { getTraceId } from './error-pages.ts'
import { readPolicy } from './interaction-policy.ts'
import { createInteraction, type InteractionCookie } from './overrides/create-interaction.ts'
import { forgetDeviceForm } from './overrides/forget-device-form.ts'
import { readDeviceError } from './overrides/read-device-error.ts'

/** Where people type the code in: short, because they type the address too. */
export const devicePath = '/device'

/** How a device login ended, as the last part of the address of the page that says so. */
export const deviceOutcomes = ['done', 'refused', 'unknown', 'used', 'failed'] as const
export type DeviceOutcome = (typeof deviceOutcomes)[number]

export const outcomePath = (outcome: DeviceOutcome): string => `${devicePath}/${outcome}`

/** Coarse place of the request, put there by the mount. */
const getPlace = (ctx: { req: object }): string => (ctx.req as { koraPlace?: () => string }).koraPlace?.() ?? ''

function seeOther (ctx: KoaContextWithOIDC, address: string): void {
  ctx.redirect(address)
  ctx.status = 303
}

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>

/** @param findRestart where a login whose cookie or row is gone goes on; null = nowhere */
export function createDeviceFlow (findRestart: (ctx: KoaContextWithOIDC) => Promise<string | null>): DeviceFlow {
  return {
    enabled: true,
    charset: 'base-20',
    mask: '****-****',
    deviceInfo: (ctx: { req: object }) => ({ place: getPlace(ctx) }),
    async userCodeInputSource (ctx: KoaContextWithOIDC, _form: string, _out?: unknown, error?: Error) {
      // the token of the library's page, which is not shown; the session as such is saved already
      if (ctx.oidc.session !== undefined) forgetDeviceForm(ctx.oidc.session)
      const outcome = readDeviceError(error)
      if (error?.name === 'SessionNotFound') seeOther(ctx, (await findRestart(ctx)) ?? outcomePath('unknown'))
      else seeOther(ctx, outcomePath(outcome ?? 'failed'))
    },
    userCodeConfirmSource: async (ctx: KoaContextWithOIDC) => {
      seeOther(ctx, devicePath)
    },
    successSource: async (ctx: KoaContextWithOIDC) => {
      seeOther(ctx, outcomePath('done'))
    }
  }
}

/** Must be called for each provider built, before it serves. */
export function completeDeviceFlow (
  provider: Provider,
  { db, issuer }: { db: Kysely<Database>; issuer: string }
): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    // the library's own page
    if (ctx.path === routes.code_verification) {
      ctx.status = 404
      return
    }
    await next()
    const body = ctx.body as Record<string, unknown> | undefined
    if (ctx.path === routes.device_authorization && ctx.status === 200) {
      const page = `${issuer}${devicePath}`
      Object.assign(body ?? {}, {
        verification_uri: page,
        verification_uri_complete: `${page}?user_code=${String(body?.['user_code'])}`,
        interval: pollSeconds.first
      })
    }
    if (ctx.path === routes.token && body?.['error'] === 'authorization_pending') {
      const { interval, slow } = await notePoll(db, String(ctx.oidc.params?.['device_code']), lifetimes.deviceCode)
      if (slow) {
        ctx.body = { error: 'slow_down', error_description: `ask no more often than every ${interval} seconds` }
      }
    }
  })
}

/**
 * The event beside a person's decision; it names whom they act for there. The person is told too: it may not have been
 * them.
 */
export async function recordDeviceAllowed (
  trx: Transaction<Database>,
  deps: Pick<OidcDeps, 'audit' | 'crypto'>,
  { accountId, clientId, context }: Parameters<DeviceAllowed>[1]
): Promise<void> {
  const person = await trx.selectFrom('person').select('id').where('sub', '=', accountId).executeTakeFirst()
  const ref = parseRef(context)
  const ctx = Provider.ctx
  await deps.audit.record(trx, {
    type: 'device-login.allowed',
    personId: person?.id ?? null,
    clientId,
    role: ref?.role ?? 'self',
    organizationId: ref === null || ref.role === 'self' ? null : ref.organizationId,
    delegationId: ref?.role === 'agent' ? ref.delegationId : null,
    traceId: ctx === undefined ? null : getTraceId(ctx)
  })
  if (person === undefined) return
  const site = ctx?.oidc.client === undefined ? '' : clientPolicy(readPolicy(ctx.oidc.client)).names['zh-CN']
  await notify(trx, deps, { personId: person.id, kind: 'security-device-login', data: { site: site || clientId } })
}

/**
 * Begins the hosted login for a code that this browser has taken up: what the library does when its own page is
 * confirmed. The policy is asked when the login returns, as for every request. Who is logged in here already sees whose
 * account the device is going to have, and in whose name: what this browser is to other sites is nothing to a device.
 *
 * @param sessionCookie identifier of this browser's session, if it has one
 * @returns where the browser goes, and the cookies without which the library lets nobody return
 */
export async function startDeviceLogin (
  provider: Provider,
  login: DeviceLogin,
  sessionCookie: string | undefined
): Promise<{ uid: string; cookies: InteractionCookie[] }> {
  const uid = newIdentifier(32)
  const session = sessionCookie === undefined ? undefined : await provider.Session.find(sessionCookie)
  // the device cannot send any, but max_age=0 becomes one
  const prompts = new Set([
    ...String(login.params['prompt'] ?? '')
      .split(' ')
      .filter(Boolean),
    'select_account'
  ])
  const cookies = await createInteraction(provider, {
    uid,
    seconds: lifetimes.interaction,
    paths: { login: `/i/${uid}`, resume: `${routes.code_verification}/${uid}` },
    payload: {
      prompt: { name: 'login', reasons: ['device_login'], details: {} },
      params: { ...login.params, prompt: [...prompts].join(' ') },
      cid: newIdentifier(16),
      deviceCode: login.deviceCode,
      ...(session?.accountId === undefined ? {} : { session })
    }
  })
  return { uid, cookies }
}
