import type { Transaction } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database } from '../../database/schema.ts'
import type { MessagesDeps } from './deps.ts'
import { enqueue } from '../outbox/index.ts'
import { shortText, type MessageData, type MessageKind } from './kinds.ts'
import { smsTopic, type SmsOrder } from './sms.ts'

export interface Notice {
  personId: string
  kind: MessageKind
  data: MessageData
  /** Also a short message to the person's phone. */
  sms?: boolean
}

/** Sends a message to a person, in the transaction of the act that it reports. Returns the message's id. */
export async function notify (
  trx: Transaction<Database>,
  deps: Pick<MessagesDeps, 'crypto'>,
  { personId, kind, data, sms = false }: Notice
): Promise<string> {
  const id = newIdentifier(16, 'msg_')
  await trx
    .insertInto('message')
    .values({
      id,
      personId,
      kind,
      bodyEnc: deps.crypto.encrypt('message', 'body_enc', id, JSON.stringify(data))
    })
    .execute()
  if (sms) {
    await enqueue(trx, deps, {
      topic: smsTopic,
      dedupeKey: `${smsTopic}:${id}`,
      payload: {
        to: { personId },
        template: 'notice',
        parameters: {
          kind,
          notice: shortText(kind),
          ...(typeof data['organization'] === 'string' ? { organization: data['organization'] } : {})
        }
      } satisfies SmsOrder
    })
  }
  return id
}
