import { sql } from 'kysely'
import type { MessagesDeps } from './deps.ts'
import type { MessageData, MessageKind } from './kinds.ts'

export interface Message {
  id: string
  kind: MessageKind
  data: MessageData
  createdAt: Date
  readAt: Date | null
}

export interface Messages {
  /** Newest first; `before` is the id of the last message of the previous page. */
  list(
    personId: string,
    options?: { limit?: number; before?: string; kinds?: readonly MessageKind[] }
  ): Promise<Message[]>
  /** One message of this person; null = none, or somebody else's. */
  find(personId: string, id: string): Promise<Message | null>
  unread(personId: string): Promise<number>
  /** False: no such message of this person, or read already. */
  markRead(personId: string, id: string): Promise<boolean>
  /** Returns how many were unread. */
  markAllRead(personId: string): Promise<number>
}

export function createMessages ({ db, crypto }: Pick<MessagesDeps, 'db' | 'crypto'>): Messages {
  const columns = ['id', 'kind', 'bodyEnc', 'createdAt', 'readAt'] as const
  const opened = ({
    bodyEnc,
    kind,
    ...row
  }: {
    id: string
    kind: MessageKind
    bodyEnc: string
    createdAt: Date
    readAt: Date | null
  }): Message => ({
    ...row,
    kind,
    data: JSON.parse(crypto.decrypt('message', 'body_enc', row.id, bodyEnc)) as MessageData
  })

  return {
    async list (personId, { limit = 20, before, kinds } = {}) {
      let query = db.selectFrom('message').select(columns).where('personId', '=', personId)
      if (kinds !== undefined) query = query.where(sql<boolean>`kind = any(${[...kinds]}::text[])`)
      if (before !== undefined) {
        query = query.where(
          sql<boolean>`(created_at, id) < (select created_at, id from message m where m.id = ${before}
            and m.person_id = ${personId})`
        )
      }
      const rows = await query.orderBy('createdAt', 'desc').orderBy('id', 'desc').limit(Math.min(limit, 100)).execute()
      return rows.map(opened)
    },
    async find (personId, id) {
      const row = await db
        .selectFrom('message')
        .select(columns)
        .where('id', '=', id)
        .where('personId', '=', personId)
        .executeTakeFirst()
      return row === undefined ? null : opened(row)
    },
    async unread (personId) {
      const row = await db
        .selectFrom('message')
        .select(sql<number>`count(*)`.as('n'))
        .where('personId', '=', personId)
        .where('readAt', 'is', null)
        .executeTakeFirstOrThrow()
      return Number(row.n)
    },
    async markRead (personId, id) {
      const row = await db
        .updateTable('message')
        .set({ readAt: sql<Date>`now()` })
        .where('id', '=', id)
        .where('personId', '=', personId)
        .where('readAt', 'is', null)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },
    async markAllRead (personId) {
      const rows = await db
        .updateTable('message')
        .set({ readAt: sql<Date>`now()` })
        .where('personId', '=', personId)
        .where('readAt', 'is', null)
        .returning('id')
        .execute()
      return rows.length
    }
  }
}
