/** The phone's browser as an actor of the phone side: bound by its cookie, or nobody. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PhonePagesDeps } from './deps.ts'
import { deviceBySecret, webDeviceSeconds } from '../../records/devices/index.ts'
import type { PhoneActor } from '../../records/scan-tickets/index.ts'

const secure = (deps: Pick<PhonePagesDeps, 'config'>): boolean => deps.config.issuer.startsWith('https:')
const cookieName = (deps: Pick<PhonePagesDeps, 'config'>): string =>
  secure(deps) ? '__Host-kora_device' : 'kora_device'

export const deviceSecret = (deps: Pick<PhonePagesDeps, 'config'>, request: FastifyRequest): string =>
  request.cookies[cookieName(deps)] ?? ''

export function keepDeviceSecret (deps: Pick<PhonePagesDeps, 'config'>, reply: FastifyReply, secret: string): void {
  reply.setCookie(cookieName(deps), secret, {
    httpOnly: true,
    sameSite: 'lax',
    secure: secure(deps),
    path: '/',
    maxAge: webDeviceSeconds
  })
}

/** @param asDevice false: every cookie is ignored, because the ticket was scanned without it */
export async function identifyActor (
  deps: Pick<PhonePagesDeps, 'config' | 'db'>,
  request: FastifyRequest,
  asDevice = true
): Promise<PhoneActor> {
  const device = asDevice ? await deviceBySecret(deps.db, deviceSecret(deps, request)) : null
  return {
    device,
    address: request.clientAddress.ip,
    userAgent: String(request.headers['user-agent'] ?? '').slice(0, 512),
    locale: request.locale,
    traceId: String(request.id)
  }
}
