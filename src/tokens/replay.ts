/** One use of a `jti` over all processes (client assertions: RFC 7523 §3; DPoP proofs: RFC 9449 §11.1). */
import { statement } from '../database/statement.ts'
import type { Connection } from './artifact-repository.ts'

// a row that has expired but was not cleaned up yet does not count
const noteStatement = statement<[string, number], { id: string }>(
  'oidc replay note',
  `
  insert into oidc_artifact as a (model, id, payload, expires_at)
  values ('ReplayDetection', $1::text, '{}', now() + make_interval(secs => $2::float8))
  on conflict (model, id) do update set expires_at = excluded.expires_at where a.expires_at <= now()
  returning id`
)

/**
 * Notes a use. False: it was used before.
 *
 * @param id as stored
 */
export async function noteUse (db: Connection, id: string, keepSeconds: number): Promise<boolean> {
  return (await noteStatement(db, id, keepSeconds)).length === 1
}
