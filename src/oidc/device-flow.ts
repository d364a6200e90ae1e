/**
 * The device grant (RFC 8628) in the provider. For the device, the library's endpoints are completed with the polling
 * interval and `slow_down` (§3.5). For the person, journeys/device-login takes the short code and the decision, the
 * hosted login follows as for every other request, and the library's `device_resume` ends it. The library's page for
 * the short code is switched off.
 */
import type { Kysely, Transaction } from 'kysely'
import { Provider, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import type { Database } from '../database/schema.ts'
import { clientPolicy } from '../domain/client/policy.ts'
import { newIdentifier } from '../domain/identifier.ts'
import { eventFields, parseRef } from '../domain/representation/representation.ts'
import { notify } from '../records/messages/index.ts'
import { findPersonIdBySub } from '../records/persons/index.ts'
import type { OidcDeps } from './deps.ts'
import { lifetimes, routes } from './configuration.ts'
import type { DeviceAllowed } from './device-code-adapter.ts'
import { notePoll, pollSeconds } from '../tokens/device-code-repository.ts'
import type { DeviceLogin } from './device-codes.ts'
import { getTraceId } from './error-pages.ts'
import { readPolicy } from './interaction-policy.ts'
import { createInteraction, type InteractionCookie } from './overrides/create-interaction.ts'
import { forgetDeviceForm } from './overrides/forget-device-form.ts'
import { readDeviceError } from './overrides/read-device-error.ts'

/** Where people type in the code: short, because they type in the address, too. */
export const devicePath = '/device'

/** How a device login ended; the last part of the address of its page. */
export const deviceOutcomes = ['done', 'refused', 'unknown', 'used', 'failed'] as const
export type DeviceOutcome = (typeof deviceOutcomes)[number]

export const outcomePath = (outcome: DeviceOutcome): string => `${devicePath}/${outcome}`

/** Coarse place of the request, which index.ts has put there. */
const getPlace = (ctx: { req: object }): string => (ctx.req as { koraPlace?: () => string }).koraPlace?.() ?? ''

function seeOther (ctx: KoaContextWithOIDC, address: string): void {
  ctx.redirect(address)
  ctx.status = 303
}

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>

/** @param findRestart where a login whose cookie or row is gone continues; null: nowhere */
export function createDeviceFlow (findRestart: (ctx: KoaContextWithOIDC) => Promise<string | null>): DeviceFlow {
  return {
    enabled: true,
    charset: 'base-20',
    mask: '****-****',
    deviceInfo: (ctx: { req: object }) => ({ place: getPlace(ctx) }),
    async userCodeInputSource (ctx: KoaContextWithOIDC, _form: string, _out?: unknown, error?: Error) {
      // the library's page is not shown
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

/** To be called for each new provider, before it serves. */
export function completeDeviceFlow (
  provider: Provider,
  { db, issuer }: { db: Kysely<Database>; issuer: string }
): void {
  provider.use(async (ctx: KoaContextWithOIDC, next: () => Promise<void>) => {
    // the library's page for the code is switched off
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
 * Records that a person allowed a device to sign in, with the representation, and notifies the person, because somebody
 * else may have done it.
 */
export async function recordDeviceAllowed (
  trx: Transaction<Database>,
  deps: Pick<OidcDeps, 'audit' | 'crypto'>,
  { accountId, clientId, context }: Parameters<DeviceAllowed>[1]
): Promise<void> {
  const personId = await findPersonIdBySub(trx, accountId)
  const ref = parseRef(context)
  const ctx = Provider.ctx
  await deps.audit.record(trx, {
    type: 'device-login.allowed',
    personId,
    clientId,
    ...eventFields(ref),
    traceId: ctx === undefined ? null : getTraceId(ctx)
  })
  if (personId === null) return
  const site = ctx?.oidc.client === undefined ? '' : clientPolicy(readPolicy(ctx.oidc.client)).names['zh-CN']
  await notify(trx, deps, { personId, kind: 'security-device-login', data: { site: site || clientId } })
}

/**
 * Starts the hosted login for a code that this browser has taken up. The library checks its interaction policy when the
 * login returns, as for every request. The login always asks for the account (`select_account`): a person who is logged
 * in already must see which account and representation the device gets.
 *
 * @param browser hash of its secret, and the identifier of its session, if it has one
 * @returns the identifier of the interaction, and the cookies that the library requires when the browser returns
 */
export async function startDeviceLogin (
  provider: Provider,
  login: DeviceLogin,
  browser: { hash: string; sessionCookie: string | undefined }
): Promise<{ uid: string; cookies: InteractionCookie[] }> {
  const uid = newIdentifier(32)
  const { hash, sessionCookie } = browser
  const session = sessionCookie === undefined ? undefined : await provider.Session.find(sessionCookie)
  // a device cannot send `prompt`, but the library turns max_age=0 into `login`
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
      browserHash: hash,
      ...(session?.accountId === undefined ? {} : { session })
    }
  })
  return { uid, cookies }
}
