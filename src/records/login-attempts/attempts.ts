/** Rows of login attempts: one run through the hosted login, bound to one browser. */
import { sql, type Kysely, type Selectable, type Transaction } from 'kysely'
import type { Database, LoginAttemptTable } from '../../database/schema.ts'
import type { Proof } from '../../domain/login/next-step.ts'
import { isPersonalParameter } from '../../domain/login/personal-parameter.ts'
import type { FieldCrypto } from '../../database/field-crypto.ts'
import type { RepresentationRef } from '../../domain/representation/representation.ts'

type Db = Kysely<Database> | Transaction<Database>
const byOrganization = JSON.stringify([{ kind: 'organization' }])

export type AttemptRow = Selectable<LoginAttemptTable>

/**
 * Parameters of the authorization request that are stored for a silent restart: no hint at a person; `claims` encrypted
 * when it names one.
 */
const restartable = [
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'acr_values',
  'max_age',
  'prompt',
  'claims',
  'resource',
  'authorization_details',
  'ui_locales',
  'dpop_jkt'
]

/** `device`: a device waits for it (RFC 8628). */
export interface StoredRequest {
  params: Record<string, string>
  /** More parameters, encrypted. */
  personal?: string
  device?: boolean
  freshLogin?: boolean
}

function storedRequest (
  crypto: Pick<FieldCrypto, 'encrypt'>,
  uid: string,
  { params, device = false }: { params: Record<string, unknown>; device?: boolean | undefined }
): StoredRequest {
  const kept = Object.entries(params).filter(
    (entry): entry is [string, string] => restartable.includes(entry[0]) && typeof entry[1] === 'string'
  )
  const personal = kept.filter(([name, value]) => isPersonalParameter(name, value))
  return {
    params: Object.fromEntries(kept.filter((entry) => !personal.includes(entry))),
    ...(personal.length > 0 && {
      personal: crypto.encrypt('login_attempt', 'request', uid, JSON.stringify(Object.fromEntries(personal)))
    }),
    ...(device ? { device } : {})
  }
}

/** Everything that `storedRequest` kept. */
export function readParameters (
  crypto: Pick<FieldCrypto, 'decrypt'>,
  uid: string,
  { params, personal }: StoredRequest
): Record<string, string> {
  if (personal === undefined) return params
  return {
    ...params,
    ...(JSON.parse(crypto.decrypt('login_attempt', 'request', uid, personal)) as Record<string, string>)
  }
}

/** A row, and whether it has expired by the database clock. */
export type OpenedAttempt = AttemptRow & { expired: boolean }

/** The attempt of this interaction and browser; made at the first visit. Null = it belongs to another browser. */
export async function openAttempt (
  { db, crypto }: { db: Db; crypto: Pick<FieldCrypto, 'encrypt'> },
  input: {
    uid: string
    browserHash: string
    clientId: string
    params: Record<string, unknown>
    device?: boolean
    seconds: number
  }
): Promise<OpenedAttempt | null> {
  const found = await findOpened(db, input.uid)
  if (found) return found.browserHash === input.browserHash ? found : null
  await db
    .insertInto('loginAttempt')
    .values({
      uid: input.uid,
      browserHash: input.browserHash,
      clientId: input.clientId,
      request: JSON.stringify(storedRequest(crypto, input.uid, input)),
      personId: null,
      representation: null,
      expiresAt: sql<Date>`now() + make_interval(secs => ${input.seconds})`
    })
    .onConflict((conflict) => conflict.column('uid').doNothing())
    .execute()
  const row = await findOpened(db, input.uid)
  return row && row.browserHash === input.browserHash ? row : null
}

const findOpened = async (db: Db, uid: string): Promise<OpenedAttempt | undefined> =>
  await db
    .selectFrom('loginAttempt')
    .selectAll()
    .select(sql<boolean>`expires_at <= now()`.as('expired'))
    .where('uid', '=', uid)
    .executeTakeFirst()

export async function findAttempt (db: Db, uid: string): Promise<AttemptRow | undefined> {
  return await db.selectFrom('loginAttempt').selectAll().where('uid', '=', uid).executeTakeFirst()
}

/**
 * A password was right: from here on the attempt is about this person. Proofs of another person (two tabs, one attempt)
 * are dropped in the same statement, so identities never mix; an organization that was identified before is dropped
 * too.
 */
export async function identify (
  trx: Db,
  { uid, browserHash, proof }: { uid: string; browserHash: string; proof: Extract<Proof, { personId: string }> }
): Promise<boolean> {
  const added = JSON.stringify([proof])
  const result = await sql`
    update login_attempt
       set proofs = case when person_id = ${proof.personId}
         and not proofs @> ${byOrganization}::jsonb then proofs else '[]'::jsonb end || ${added}::jsonb,
           representation = case when person_id = ${proof.personId}
             and not proofs @> ${byOrganization}::jsonb then representation else null end,
           person_id = ${proof.personId}
     where uid = ${uid} and browser_hash = ${browserHash} and finished_at is null and expires_at > now()
    returning uid`.execute(trx)
  return result.rows.length === 1
}

interface IdentifyOrganizationInput {
  uid: string
  browserHash: string
  proof: Extract<Proof, { kind: 'organization' }>
  who: { personId: string; representation: RepresentationRef } | null
}

/**
 * The password of an organization was right: the attempt restarts for this organization. `who` is set when it is known
 * which person must prove to be there; this person has proved nothing yet.
 */
export async function identifyOrganization (
  trx: Db,
  { uid, browserHash, proof, who }: IdentifyOrganizationInput
): Promise<boolean> {
  const result = await sql`
    update login_attempt
       set proofs = ${JSON.stringify([proof])}::jsonb, person_id = ${who?.personId ?? null},
           representation = ${who === null ? null : JSON.stringify(who.representation)}::jsonb
     where uid = ${uid} and browser_hash = ${browserHash} and finished_at is null and expires_at > now()
    returning uid`.execute(trx)
  return result.rows.length === 1
}

interface NameAgentInput {
  uid: string
  browserHash: string
  who: { personId: string; representation: Extract<RepresentationRef, { role: 'agent' }> }
}

/**
 * The agent, of the organization that was identified. False: another organization was identified meanwhile, or the
 * attempt has ended.
 */
export async function nameAgent (
  trx: Db,
  { uid, browserHash, who }: NameAgentInput
): Promise<boolean> {
  const proved = JSON.stringify([
    { kind: 'organization', organizationId: who.representation.organizationId, role: 'agent' }
  ])
  const result = await sql`
    update login_attempt set person_id = ${who.personId}, representation = ${JSON.stringify(who.representation)}::jsonb
     where uid = ${uid} and browser_hash = ${browserHash} and person_id is null and proofs @> ${proved}::jsonb
       and finished_at is null and expires_at > now()
    returning uid`.execute(trx)
  return result.rows.length === 1
}

interface AddProofsInput {
  uid: string
  browserHash: string
  personId: string
  proofs: Proof[]
}

/** Adds proofs of the person that the attempt is about already (or of the first one). Refused for any other. */
export async function addProofs (
  trx: Db,
  { uid, browserHash, personId, proofs }: AddProofsInput
): Promise<boolean> {
  const result = await sql`
    update login_attempt
       set proofs = proofs || ${JSON.stringify(proofs)}::jsonb, person_id = ${personId}
     where uid = ${uid} and browser_hash = ${browserHash} and (person_id is null or person_id = ${personId})
       and finished_at is null and expires_at > now()
    returning uid`.execute(trx)
  return result.rows.length === 1
}

/** Drops the identified person and does not use the session: 换个账号. */
export async function startAfresh (trx: Db, uid: string, browserHash: string): Promise<boolean> {
  const result = await sql`
    update login_attempt
       set proofs = '[]'::jsonb, person_id = null, representation = null,
         request = request || '{"freshLogin":true}'::jsonb
     where uid = ${uid} and browser_hash = ${browserHash} and finished_at is null and expires_at > now()
    returning uid`.execute(trx)
  return result.rows.length === 1
}

export async function chooseRepresentation (
  trx: Db,
  { uid, browserHash, representation }: { uid: string; browserHash: string; representation: RepresentationRef }
): Promise<boolean> {
  const result = await sql`
    update login_attempt set representation = ${JSON.stringify(representation)}::jsonb
     where uid = ${uid} and browser_hash = ${browserHash} and finished_at is null and expires_at > now()
    returning uid`.execute(trx)
  return result.rows.length === 1
}

/** finished_at is set once; of two submissions one is refused. */
export async function finishAttempt (trx: Db, uid: string, browserHash: string): Promise<boolean> {
  const result = await sql`
    update login_attempt set finished_at = now()
     where uid = ${uid} and browser_hash = ${browserHash} and finished_at is null and expires_at > now()
    returning uid`.execute(trx)
  return result.rows.length === 1
}

/** Ends the logins of a person that are under way; they do not continue when the account is unlocked. */
export async function expireAttempts (trx: Db, personId: string): Promise<void> {
  await sql`
    update login_attempt set expires_at = now()
     where person_id = ${personId} and finished_at is null and expires_at > now()`.execute(trx)
}
