import type { FastifyRequest } from 'fastify'
import type { AuditEvent } from '../../records/audit/index.ts'
import type { LoginAttempt } from './attempt.ts'

/** The circumstances in every audit event of a login. */
export const eventContext = (
  { client, uid }: LoginAttempt,
  request: FastifyRequest
): Required<Pick<AuditEvent, 'clientId' | 'loginAttemptUid' | 'address' | 'traceId'>> => ({
  clientId: client.clientId,
  loginAttemptUid: uid,
  address: request.clientAddress.ip,
  traceId: request.id
})
