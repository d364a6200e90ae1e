/**
 * Every encrypted column and the row id that its values are bound to. A change of the master key encrypts them again
 * (records/keys/reencrypt.ts); test/database/encrypted-columns.test.ts compares the list with the tables.
 *
 * Parts of `oidc_artifact.payload` and `login_attempt.request` are encrypted, too: they live for minutes, or as long as
 * a device code, and end with the former key still known.
 */
export interface EncryptedTable {
  table: string
  /** Primary key: pages follow it. */
  key: string
  /** Without it: text. */
  keyType?: 'bigint'
  /** What the values are bound to, when it is not the key. */
  boundTo?: string
  columns: readonly string[]
}

export const encryptedTables: readonly EncryptedTable[] = [
  {
    table: 'person',
    key: 'id',
    columns: ['name_enc', 'name_bo_enc', 'cert_no_enc', 'phone_enc', 'email_enc', 'ethnic_group_enc']
  },
  { table: 'organization', key: 'id', columns: ['phone_enc'] },
  { table: 'registration', key: 'id', columns: ['data_enc'] },
  { table: 'scan_ticket', key: 'id', columns: ['identity_enc'] },
  { table: 'challenge', key: 'id', columns: ['answer_enc'] },
  { table: 'message', key: 'id', columns: ['body_enc'] },
  { table: 'notice', key: 'id', columns: ['texts_enc'] },
  { table: 'outbox', key: 'id', keyType: 'bigint', boundTo: 'dedupe_key', columns: ['payload_enc'] },
  { table: 'admin_account', key: 'id', columns: ['totp_secret_enc'] },
  { table: 'admin_bootstrap', key: 'token_hash', columns: ['totp_secret_enc'] },
  { table: 'admin_totp_draft', key: 'session_hash', columns: ['secret_enc'] },
  { table: 'admin_api_request', key: 'key_hash', columns: ['answer_enc'] },
  { table: 'pending_change', key: 'id', columns: ['payload_enc'] },
  { table: 'own_site_login', key: 'state_hash', columns: ['verifier_enc'] },
  { table: 'signing_key', key: 'kid', columns: ['private_enc'] },
  // last: it holds what says that the key fits
  { table: 'server_secret', key: 'name', columns: ['value_enc'] }
]
