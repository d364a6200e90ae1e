/**
 * One use of a `jti` (client assertions RFC 7523 §3, DPoP proofs RFC 9449 §11.1), over all processes. The
 * library looks first and saves then, which lets two processes both find nothing; one insert decides here.
 */
import type { Provider } from 'oidc-provider'
import { statement } from '../database/statement.ts'
import { artifactId, type Connection } from '../tokens/artifact-repository.ts'

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

/** Makes the library's check the one above, so that a replay ends in the library's own error. */
export function attachReplayDetection (
  provider: Provider,
  { db, clockToleranceSeconds }: { db: Connection; clockToleranceSeconds: number }
): void {
  const model = provider.ReplayDetection as unknown as {
    unique(iss: string, jti: string, exp: number): Promise<boolean>
  }
  // `iss` is a client_id, which has no line break: the pair is unambiguous
  model.unique = (iss, jti, exp) =>
    noteUse(
      db,
      artifactId('ReplayDetection', `${iss}\n${jti}`),
      Math.max(exp - Math.floor(Date.now() / 1000), 0) + clockToleranceSeconds
    )
}
