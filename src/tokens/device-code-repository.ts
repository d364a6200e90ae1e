/**
 * Rows of device codes (RFC 8628): undecided, taken up by a browser, decided. A browser takes a code up or refuses it,
 * and its device polls too often. Each change is one conditional statement on the database clock.
 */
import { statement } from '../database/statement.ts'
import {
  artifactColumns,
  artifactId,
  artifactValues,
  toParameters,
  type ArtifactParameters,
  type ArtifactRow,
  type Connection
} from './artifact-repository.ts'

// undecided → in flight → decided, in this direction only and once
const decideOnce = `on conflict (model, id) do update set payload = excluded.payload, grant_hash = excluded.grant_hash, session_uid = excluded.session_uid,
    account_id = excluded.account_id, context_id = excluded.context_id, expires_at = excluded.expires_at
    where a.consumed_at is null and a.payload->'accountId' is null and a.payload->'error' is null
      and (a.payload->'inFlight' is null or excluded.payload->'accountId' is not null or excluded.payload->'error' is not null)
  returning id`

const saveStatement = statement<ArtifactParameters, { id: string }>(
  'oidc device code save',
  `
  insert into oidc_artifact as a (${artifactColumns}) values (${artifactValues}) ${decideOnce}`
)

// locks the session's row as the issue of a code does: a logout waits for this statement and then finds the new row
const allowStatement = statement<ArtifactParameters, { id: string }>(
  'oidc device code allow',
  `
  with source as (select uid from oidc_artifact where model = 'Session' and uid = $5::text
    and (account_id is null or account_id = $6::text) for key share)
  insert into oidc_artifact as a (${artifactColumns}) select ${artifactValues} from source ${decideOnce}`
)

/** Inserts, or saves the decision. False: the code was decided before. */
export const saveDeviceCode = async (db: Connection, row: ArtifactRow): Promise<boolean> =>
  (await saveStatement(db, ...toParameters(row))).length === 1

/** The same while the session that allows it exists. False also when that session has ended. */
export const allowDeviceCode = async (db: Connection, row: ArtifactRow): Promise<boolean> =>
  (await allowStatement(db, ...toParameters(row))).length === 1

const undecided = `model = 'DeviceCode' and id = $1::text and consumed_at is null and payload->'accountId' is null and payload->'error' is null
    and (payload->'inFlight' is null or payload->>'inFlight' = $2::text) and (payload->>'exp')::float8 > extract(epoch from now())`

const takeStatement = statement<[id: string, browserHash: string], { id: string }>(
  'device code take up',
  `
  update oidc_artifact set payload = payload || jsonb_build_object('inFlight', $2::text) where ${undecided}
    returning id`
)

const refuseStatement = statement<[id: string, browserHash: string], { id: string }>(
  'device code refuse',
  `
  update oidc_artifact set payload = payload || '{"error":"access_denied","errorDescription":"the end-user refused"}'
    where ${undecided} returning id`
)

/** Binds the code to this browser. False: it is decided, has expired, or is bound to another browser. */
export async function takeUpDeviceCode (db: Connection, id: string, browserHash: string): Promise<boolean> {
  return (await takeStatement(db, id, browserHash)).length === 1
}

/** The device gets `access_denied` (RFC 8628 §3.5). False: as in `takeUpDeviceCode`. */
export async function refuseDeviceCode (db: Connection, id: string, browserHash: string): Promise<boolean> {
  return (await refuseStatement(db, id, browserHash)).length === 1
}

/**
 * Seconds between two polls of a device (RFC 8628 §3.5): `first`, `more` for each poll that came too soon, `most`, and
 * the `tolerance` for clocks and networks.
 */
export const pollSeconds = { first: 5, more: 5, most: 60, tolerance: 1 } as const

const tooSoon = `extract(epoch from now()) - (a.payload->>'at')::float8 < (a.payload->>'interval')::float8 - ${pollSeconds.tolerance}`

const pollStatement = statement<[id: string, keepSeconds: number], { interval: number; slow: boolean }>(
  'device code poll',
  `
  insert into oidc_artifact as a (model, id, payload, expires_at)
  values ('DevicePoll', $1::text, jsonb_build_object('at', extract(epoch
    from now()), 'interval', ${pollSeconds.first}, 'slow', false), now() + make_interval(secs => $2::float8))
  on conflict (model, id) do update set payload = jsonb_build_object('at', extract(epoch
    from now()), 'slow', ${tooSoon},
    'interval', case when ${tooSoon} then least((a.payload->>'interval')::int + ${pollSeconds.more},
      ${pollSeconds.most}) else (a.payload->>'interval')::int end)
  returning (payload->>'interval')::int as interval, (payload->>'slow')::boolean as slow`
)

/** Notes a poll of a device before the decision. `slow`: it came too soon, and `interval` has grown. */
export async function notePoll (
  db: Connection,
  deviceCode: string,
  keepSeconds: number
): Promise<{ interval: number; slow: boolean }> {
  const [poll] = await pollStatement(db, artifactId('DevicePoll', deviceCode), keepSeconds)
  if (poll === undefined) throw new Error('device code poll: no row')
  return poll
}
