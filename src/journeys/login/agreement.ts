/** Whether this browser has agreed to this version of the texts; the record is the person's consent. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { LoginDeps } from './deps.ts'

const agreementCookie = 'kora_agreed'

export const hasAgreed = ({ config }: Pick<LoginDeps, 'config'>, request: FastifyRequest): boolean =>
  request.cookies[agreementCookie] === config.policyVersion

export function rememberAgreement ({ config }: Pick<LoginDeps, 'config'>, reply: FastifyReply): void {
  reply.setCookie(agreementCookie, config.policyVersion, {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure: config.issuer.startsWith('https:'),
    maxAge: 395 * 86_400
  })
}
