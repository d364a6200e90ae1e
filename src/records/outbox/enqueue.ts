import { randomUUID } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { Database } from '../../database/schema.ts'
import { insertRow } from './repository.ts'

export interface OutboxMessage {
  /** Chooses the handler, for example sms or backchannel-logout. */
  topic: string
  /** A second message with the same key is not stored, as long as the first is remembered (a week). */
  dedupeKey?: string
  payload: Record<string, unknown>
  /** Not before this time of the database; now when left out. */
  runAt?: Date
}

const listeners = new Set<() => void>()

/**
 * Stores a message in the caller's transaction; a worker of this process looks for it right after the commit. @returns
 * false when the dedupe key exists already
 */
export async function enqueue (
  trx: Transaction<Database>,
  { crypto }: { crypto: Pick<FieldCrypto, 'encrypt'> },
  message: OutboxMessage
): Promise<boolean> {
  // also the id that providers see and the ciphertext is bound to
  const messageId = message.dedupeKey ?? randomUUID()
  const payload = crypto.encrypt('outbox', 'payload_enc', messageId, JSON.stringify(message.payload))
  const stored = await insertRow(trx, message.topic, messageId, payload, message.runAt ?? null)
  for (const listener of listeners) listener()
  return stored.length === 1
}

/** Calls back when this process stores a message; it is not committed yet then. Returns the way to stop. */
export function onEnqueue (listener: () => void): () => void {
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
  }
}
