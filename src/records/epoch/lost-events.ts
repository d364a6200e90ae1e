import type { FieldCrypto } from '../../database/field-crypto.ts'
import { isGenuineEvent, type AuditEventType } from '../audit/index.ts'

/** What happened after the point that the database was restored to, from an exported file of the audit trail. */
export interface LostEvents {
  count: number
  /** Delegations that somebody changed. */
  delegations: string[]
  /** What came back to life and is not ended by itself: by kind of event, whom it is about. */
  look: Record<string, string[]>
}

/** Events after which something must be done again by hand, because only the people concerned can. */
const toLookAt: readonly AuditEventType[] = [
  'device.revoked',
  'person.device-ended',
  'person.locked',
  'organization.password-changed',
  'staff.credentials-reset',
  'staff.credential-removed',
  'signing-key.removed',
  'client.disabled',
  'client.deleted',
  'client.secret-revoked'
]

const maxListed = 10_000

/**
 * Reads the events after `since`. Lines that no key of ours signed are refused: whoever wrote such a file could suspend
 * any delegation.
 * @throws Error that names the line
 */
export async function readLostEvents (
  lines: AsyncIterable<string> | Iterable<string>,
  crypto: Pick<FieldCrypto, 'verifyMac'>,
  since: Date
): Promise<LostEvents> {
  const delegations = new Set<string>()
  const look: Record<string, Set<string>> = {}
  let number = 0
  let count = 0
  for await (const line of lines) {
    number += 1
    if (line === '' || line.includes('"jws":')) continue
    const event = read(line)
    if (event === null || !isGenuineEvent(crypto, event)) throw new Error(`line ${number} is no audit event of this Kora`)
    if (new Date(event.atText) < since) continue
    count += 1
    const type = event.type as AuditEventType
    if (type.startsWith('delegation.') && event.delegationId !== null) delegations.add(event.delegationId)
    if (toLookAt.includes(type)) {
      const whom = event.deviceId ?? event.personId ?? event.clientId ?? JSON.stringify(event.details)
      const list = (look[type] ??= new Set())
      if (list.size < maxListed) list.add(whom)
    }
  }
  return {
    count,
    delegations: [...delegations],
    look: Object.fromEntries(Object.entries(look).map(([type, whom]) => [type, [...whom]]))
  }
}

function read (line: string): Parameters<typeof isGenuineEvent>[1] | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && 'atText' in value && 'mac' in value
      ? (value as Parameters<typeof isGenuineEvent>[1])
      : null
  } catch {
    return null
  }
}
