import type { FastifyRequest } from 'fastify'
import type { AuditEvent } from '../../records/audit/index.ts'
import type { LoginAttempt } from './attempt.ts'

/** What every audit event of a login says about its circumstances. */
export const eventContext = (
  { client, uid }: LoginAttempt,
  request: FastifyRequest
): Required<Pick<AuditEvent, 'clientId' | 'loginAttemptUid' | 'address' | 'traceId'>> => ({
  clientId: client.clientId,
  loginAttemptUid: uid,
  address: request.clientAddress.ip,
  traceId: request.id
})
