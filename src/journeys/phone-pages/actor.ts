/** The phone's browser as an actor of the phone side: bound by its cookie, or nobody. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Services } from '../../services.ts'
import { deviceBySecret, webDeviceSeconds } from '../../records/devices/index.ts'
import type { PhoneActor } from '../../records/scan-tickets/types.ts'

const secure = (services: Pick<Services, 'config'>): boolean => services.config.issuer.startsWith('https:')
const cookieName = (services: Pick<Services, 'config'>): string =>
  secure(services) ? '__Host-kora_device' : 'kora_device'

export const deviceSecret = (services: Pick<Services, 'config'>, request: FastifyRequest): string =>
  request.cookies[cookieName(services)] ?? ''

export function keepDeviceSecret (services: Pick<Services, 'config'>, reply: FastifyReply, secret: string): void {
  reply.setCookie(cookieName(services), secret, {
    httpOnly: true,
    sameSite: 'lax',
    secure: secure(services),
    path: '/',
    maxAge: webDeviceSeconds
  })
}

/** @param asDevice false: whatever cookie there is, the ticket was scanned without it */
export async function actorOf (
  services: Pick<Services, 'config' | 'db'>,
  request: FastifyRequest,
  asDevice = true
): Promise<PhoneActor> {
  const device = asDevice ? await deviceBySecret(services.db, deviceSecret(services, request)) : null
  return {
    device: device === null ? null : { id: device.id, kind: device.kind, personId: device.personId },
    address: request.clientAddress.ip,
    userAgent: String(request.headers['user-agent'] ?? '').slice(0, 512),
    locale: request.locale,
    traceId: String(request.id)
  }
}
