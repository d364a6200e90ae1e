/** The console's own session cookie: sent to /admin only, so no page for citizens ever gets it. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../ports/config.ts'

type Issuer = Pick<Config, 'issuer'>

const secure = ({ issuer }: Issuer): boolean => issuer.startsWith('https:')
// __Host- would ask for path=/ (RFC 6265bis §4.1.3.2)
const nameOf = (config: Issuer): string => (secure(config) ? '__Secure-kora_admin' : 'kora_admin')
const optionsOf = (config: Issuer): { httpOnly: true; sameSite: 'lax'; secure: boolean; path: string } => ({
  httpOnly: true,
  sameSite: 'lax',
  secure: secure(config),
  path: '/admin'
})

export const cookieOf = (config: Issuer, request: FastifyRequest): string => request.cookies[nameOf(config)] ?? ''

/** Until the browser is closed; the session ends earlier on the server. */
export function keepCookie (config: Issuer, reply: FastifyReply, secret: string): void {
  reply.setCookie(nameOf(config), secret, optionsOf(config))
}

export function clearCookie (config: Issuer, reply: FastifyReply): void {
  reply.clearCookie(nameOf(config), optionsOf(config))
}

/** What the token of a console form is bound to. */
export const csrfScope = (sessionHash: string): string => `admin:${sessionHash}`
