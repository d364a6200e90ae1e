/**
 * Interactions of the provider, stored by the hash of their identifier. A result is written once, into a row that
 * exists (interaction-result.ts does it for the hosted login).
 */
import { statement } from '../database/statement.ts'
import { artifactId, toJson, type Connection } from './artifact-repository.ts'

type Save = [id: string, payload: string, keepSeconds: number]

// the library saves a row without a result again to remove a session from it; a result stays as it is
const saveStatement = statement<Save, { id: string }>(
  'oidc interaction save',
  `
  insert into oidc_artifact as a (model, id, payload, expires_at)
  values ('Interaction', $1::text, $2::jsonb, now() + make_interval(secs => $3::float8))
  on conflict (model, id) do update set payload = excluded.payload, expires_at = excluded.expires_at
    where a.payload->'result' is null and a.expires_at > now()
  returning id`
)

const submitStatement = statement<Save, { id: string }>(
  'oidc interaction submit',
  `
  update oidc_artifact a set payload = $2::jsonb, expires_at = now() + make_interval(secs => $3::float8)
  where model = 'Interaction' and id = $1::text and expires_at > now()
    and (payload->'result' is null or payload->'result' = $2::jsonb->'result')
  returning id`
)

export interface InteractionInput {
  uid: string
  payload: Record<string, unknown>
  keepSeconds: number
}

/** False: the row has a result. */
export const saveInteraction = async (
  db: Connection,
  { uid, payload, keepSeconds }: InteractionInput
): Promise<boolean> =>
  (await saveStatement(db, artifactId('Interaction', uid), toJson(payload), keepSeconds)).length === 1

/** Saves a payload with its result. False: the row has another result, was resumed, or has expired. */
export const submitInteraction = async (
  db: Connection,
  { uid, payload, keepSeconds }: InteractionInput
): Promise<boolean> =>
  (await submitStatement(db, artifactId('Interaction', uid), toJson(payload), keepSeconds)).length === 1
