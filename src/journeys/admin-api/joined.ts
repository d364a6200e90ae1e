/**
 * Services whose transactions are the caller's: what an act writes and the note that it was done are committed together
 * or not at all. Only for acts that stay inside the database.
 */
import type { Kysely, Transaction } from 'kysely'
import type { Database } from '../../database/schema.ts'
import type { AdminApiDeps } from './deps.ts'

export function joined (deps: AdminApiDeps, trx: Transaction<Database>): AdminApiDeps {
  const inside = new Proxy(trx, {
    get (target, name) {
      if (name === 'transaction') {
        return () => ({ execute: async (work: (inner: Transaction<Database>) => Promise<unknown>) => await work(trx) })
      }
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    }
  })
  return { ...deps, db: inside as unknown as Kysely<Database> }
}
