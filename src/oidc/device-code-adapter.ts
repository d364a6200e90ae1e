/**
 * Device codes (RFC 8628) are saved again while a person decides about them, found by the short code
 * typed in. The decision is made once; the device code itself, which only the device holds, is kept
 * encrypted because the library asks for it back when it found the row by the short code.
 */
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'
import { statement } from '../database/statement.ts'
import { artifactId, findByUserCode, toJson } from './artifact-repository.ts'
import { artifactRow, type AdapterParts } from './adapter-parts.ts'

type Save = [id: string, payload: string, grantHash: string | null, sessionUid: string | null, accountId: string | null,
  clientId: string | null, contextId: string | null, userCode: string | null, keepSeconds: number | null]

// undecided → in flight → decided; nothing is taken back, nothing is decided twice
const saveStatement = statement<Save, { id: string }>('oidc device code save', `
  insert into oidc_artifact as a (model, id, payload, grant_hash, session_uid, account_id, client_id, context_id, user_code, expires_at)
  values ('DeviceCode', $1::text, $2::jsonb, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, now() + make_interval(secs => $9::float8))
  on conflict (model, id) do update set payload = excluded.payload, grant_hash = excluded.grant_hash, session_uid = excluded.session_uid,
    account_id = excluded.account_id, context_id = excluded.context_id, expires_at = excluded.expires_at
    where a.consumed_at is null and a.payload->'accountId' is null and a.payload->'error' is null
      and (a.payload->'inFlight' is null or excluded.payload->'accountId' is not null or excluded.payload->'error' is not null)
  returning id`)

const sealed = 'sealed'

export function createDeviceCodeAdapter (parts: AdapterParts, base: Adapter): Adapter {
  const { db, crypto } = parts
  return {
    ...base,

    async find (id) {
      const payload = await base.find(id)
      return payload && without(payload)
    },

    async findByUserCode (userCode) {
      const payload = await findByUserCode(db, userCode)
      if (payload === undefined) return undefined
      const { id, value } = payload[sealed] as { id: string, value: string }
      return without({ ...payload, jti: crypto.decrypt('oidc_artifact', 'payload', id, value) } as AdapterPayload)
    },

    /** @throws InvalidRequest when somebody decided about it before */
    async upsert (id, payload, ttl) {
      const stored = artifactId('DeviceCode', id)
      const row = artifactRow(parts, 'DeviceCode', id, payload, ttl)
      const value = crypto.encrypt('oidc_artifact', 'payload', stored, id)
      const rows = await saveStatement(db, stored, toJson({ ...row.payload, [sealed]: { id: stored, value } }), row.grantHash,
        row.sessionUid, row.accountId, row.clientId, row.contextId, row.userCode, row.keepSeconds)
      if (rows.length !== 1) throw new errors.InvalidRequest('the code was used already')
    }
  }
}

function without (payload: AdapterPayload): AdapterPayload {
  const { [sealed]: _sealed, ...rest } = payload as Record<string, unknown>
  return rest as AdapterPayload
}
