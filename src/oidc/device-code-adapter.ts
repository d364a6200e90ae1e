/**
 * Device codes (RFC 8628). The library finds them by the short code that a person types in, and saves them again with
 * the decision, which is made once. It needs the device code of a row that it found by the short code, so the device
 * code, which only the device holds, is stored encrypted.
 */
import type { Transaction } from 'kysely'
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'
import type { Database } from '../database/schema.ts'
import { statement } from '../database/statement.ts'
import { inTransaction } from '../database/transaction.ts'
import { artifactId, findByUserCode, toJson, type Connection } from '../tokens/artifact-repository.ts'
import { artifactRow, type AdapterParts } from './adapter-parts.ts'
import { grantContext } from '../tokens/grant-id.ts'
import { currentState, verifiedGrants } from './request-state.ts'

type Save = [
  id: string,
  payload: string,
  grantHash: string | null,
  sessionUid: string | null,
  accountId: string | null,
  clientId: string | null,
  contextId: string | null,
  userCode: string | null,
  keepSeconds: number | null
]

const columns = 'model, id, payload, grant_hash, session_uid, account_id, client_id, context_id, user_code, expires_at'
const values =
  "'DeviceCode', $1::text, $2::jsonb, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, now() + " +
  'make_interval(secs => $9::float8)'

// undecided → in flight → decided, in this direction only and once
const decideOnce = `on conflict (model, id) do update set payload = excluded.payload, grant_hash = excluded.grant_hash, session_uid = excluded.session_uid,
    account_id = excluded.account_id, context_id = excluded.context_id, expires_at = excluded.expires_at
    where a.consumed_at is null and a.payload->'accountId' is null and a.payload->'error' is null
      and (a.payload->'inFlight' is null or excluded.payload->'accountId' is not null or excluded.payload->'error' is not null)
  returning id`

const saveStatement = statement<Save, { id: string }>(
  'oidc device code save',
  `
  insert into oidc_artifact as a (${columns}) values (${values}) ${decideOnce}`
)

// locks the session's row as the issue of a code does: a logout waits for this statement and then finds the new row
const allowStatement = statement<Save, { id: string }>(
  'oidc device code allow',
  `
  with source as (select uid from oidc_artifact where model = 'Session' and uid = $4::text
    and (account_id is null or account_id = $5::text) for key share)
  insert into oidc_artifact as a (${columns}) select ${values} from source ${decideOnce}`
)

const sealed = 'sealed'

/** Seconds that an expired code is kept, so that its device gets `expired_token` (RFC 8628 §3.5). */
const knownAfterExpirySeconds = 900

/** Called in the transaction in which a person allows a device to sign in. */
export type DeviceAllowed = (
  trx: Transaction<Database>,
  allowed: { accountId: string; clientId: string; context: Record<string, unknown> }
) => Promise<void>

export function createDeviceCodeAdapter (parts: AdapterParts, base: Adapter): Adapter {
  const { db, crypto, deviceAllowed } = parts
  return {
    ...base,

    async find (id) {
      const payload = await base.find(id)
      return payload && without(payload)
    },

    async findByUserCode (userCode) {
      const payload = await findByUserCode(db, userCode)
      if (payload === undefined) return undefined
      const { id, value } = payload[sealed] as { id: string; value: string }
      return without({ ...payload, jti: crypto.decrypt('oidc_artifact', 'payload', id, value) } as AdapterPayload)
    },

    /** @throws InvalidRequest when the code was decided before, or the session has ended */
    async upsert (id, payload, ttl) {
      const stored = artifactId('DeviceCode', id)
      const row = artifactRow(parts, 'DeviceCode', id, payload, ttl)
      const value = crypto.encrypt('oidc_artifact', 'payload', stored, id)
      const { accountId, clientId, sessionUid } = row
      const keepSeconds = row.keepSeconds === null ? null : row.keepSeconds + knownAfterExpirySeconds
      const inSession = sessionUid !== null && currentState()?.session?.uid === sessionUid
      const save = async (connection: Connection): Promise<void> => {
        const rows = await (inSession ? allowStatement : saveStatement)(
          connection,
          stored,
          toJson({ ...row.payload, [sealed]: { id: stored, value } }),
          row.grantHash,
          sessionUid,
          accountId,
          clientId,
          row.contextId,
          row.userCode,
          keepSeconds
        )
        if (rows.length !== 1) throw new errors.InvalidRequest('the code was used already, or the session has ended')
      }
      if (accountId === null || clientId === null || deviceAllowed === undefined) await save(db)
      else {
        await inTransaction(db, async (trx) => {
          await save(trx)
          const context = grantContext(crypto, payload.grantId, verifiedGrants()) ?? {}
          await deviceAllowed(trx, { accountId, clientId, context })
        })
      }
    },

    /** A refused code is not consumed: its device gets the same error each time. */
    async consume (id) {
      const state = currentState()
      if (state !== undefined && state.source === undefined) return
      await base.consume(id)
    }
  }
}

function without (payload: AdapterPayload): AdapterPayload {
  const { [sealed]: _sealed, ...rest } = payload as Record<string, unknown>
  return rest as AdapterPayload
}
