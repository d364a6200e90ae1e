/** The user center's own session cookie: 256 random bits, of which the database has the hash. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../../ports/config.ts'

type Issuer = Pick<Config, 'issuer'>

const secure = ({ issuer }: Issuer): boolean => issuer.startsWith('https:')
const nameOf = (config: Issuer): string => (secure(config) ? '__Host-kora_me' : 'kora_me')

export const cookieOf = (config: Issuer, request: FastifyRequest): string => request.cookies[nameOf(config)] ?? ''

/** Until the browser is closed; the session ends earlier on the server. */
export function keepCookie (config: Issuer, reply: FastifyReply, secret: string): void {
  reply.setCookie(nameOf(config), secret, { httpOnly: true, sameSite: 'lax', secure: secure(config), path: '/' })
}

export function clearCookie (config: Issuer, reply: FastifyReply): void {
  reply.clearCookie(nameOf(config), { httpOnly: true, sameSite: 'lax', secure: secure(config), path: '/' })
}
