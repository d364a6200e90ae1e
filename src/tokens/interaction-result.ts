/**
 * The result of a hosted login, written once into the provider's interaction row. The library would let a
 * second submission overwrite the first; this statement does not.
 */
import { sql, type Transaction } from 'kysely'
import { DomainError } from '../domain/errors.ts'
import type { Database } from '../database/schema.ts'
import { artifactId } from './artifact-repository.ts'

interface Input {
  uid: string
  result: Readonly<Record<string, unknown>>
  /**
   * This login replaces the session of another person. That session is deleted first, because the library would compare
   * it with the new one.
   */
  dropSession: boolean
}

/** Throws DomainError `interaction_gone` when the row is expired, missing, or has a result already. */
export async function saveInteractionResult (trx: Transaction<Database>, input: Input): Promise<void> {
  const result = JSON.stringify(input.result)
  const saved = await sql`
    update oidc_artifact
       set payload = case when ${input.dropSession} then payload - 'session' else payload end
                     || jsonb_build_object('result', ${result}::jsonb)
     where model = 'Interaction' and id = ${artifactId('Interaction', input.uid)}
       and payload->'result' is null and expires_at > now()
    returning id`.execute(trx)
  if (saved.rows.length !== 1) throw new DomainError('interaction_gone')
}
