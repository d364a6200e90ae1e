import type { Proof } from '../../domain/login/next-step.ts'
import type { Trx } from './rows.ts'

/** A ticket that was just consumed; `personId` is set in every state after the scan. */
export interface ConsumedRow {
  id: string
  personId: string
  deviceId: string | null
  clientId: string | null
  loginAttemptUid: string | null
  purpose: string
  proof: 'face' | 'counter' | null
  faceCheckId: string | null
  identityAt: Date | null
  scannedAt: Date
  confirmedAt: Date
}

const seconds = (time: Date): number => Math.floor(time.getTime() / 1000)

/** How a use of an in-person code names this ticket. */
export const usedFor = (ticketId: string): string => `scan-ticket:${ticketId}`

/** What the phone really proved, from the rows that recorded it. */
export async function givenProofs (trx: Trx, ticket: ConsumedRow): Promise<Proof[]> {
  const { id: ticketId, personId, deviceId } = ticket
  const proofs: Proof[] = [
    {
      kind: 'scan',
      personId,
      deviceId,
      deviceKey: await byBoundKey(trx, ticket),
      at: seconds(ticket.confirmedAt),
      ticketId
    }
  ]
  if (ticket.identityAt !== null) proofs.push({ kind: 'identity', personId, at: seconds(ticket.identityAt), ticketId })
  if (ticket.proof === 'face' && ticket.faceCheckId !== null) {
    const check = await trx
      .selectFrom('faceCheck')
      .select(['id', 'decidedAt'])
      .where('id', '=', ticket.faceCheckId)
      .where('state', '=', 'used')
      .where('personId', '=', personId)
      .executeTakeFirst()
    if (check !== undefined) {
      proofs.push({ kind: 'face', personId, at: seconds(check.decidedAt ?? ticket.confirmedAt), checkId: check.id })
    }
  }
  if (ticket.proof === 'counter') {
    const code = await trx
      .selectFrom('counterCode')
      .select(['id', 'usedAt'])
      .where('personId', '=', personId)
      .where('usedFor', '=', usedFor(ticketId))
      .executeTakeFirst()
    if (code !== undefined) {
      proofs.push({ kind: 'counter', personId, at: seconds(code.usedAt ?? ticket.confirmedAt), codeId: code.id })
    }
  }
  return proofs
}

/** A key counts as a factor of this person only if it was bound before the scan: this very ticket may have bound it. */
async function byBoundKey (trx: Trx, { deviceId, personId, scannedAt }: ConsumedRow): Promise<boolean> {
  if (deviceId === null) return false
  const device = await trx
    .selectFrom('device')
    .select(['kind', 'personId', 'boundAt', 'revokedAt'])
    .where('id', '=', deviceId)
    .executeTakeFirst()
  return (
    device?.kind === 'app' &&
    device.personId === personId &&
    device.revokedAt === null &&
    device.boundAt !== null &&
    device.boundAt <= scannedAt
  )
}
