/**
 * What the phone is asked for, given step by step: identity data, a face check, or the in-person code that equals it.
 */
import { sql } from 'kysely'
import { inTransaction } from '../../database/transaction.ts'
import { phoneStates } from '../../domain/login/scan-ticket.ts'
import type { ScanTicketsDeps } from './deps.ts'
import { redeemCounterCode } from '../counter-codes/index.ts'
import { beginFaceCheck, faceVerdict as pullVerdict, fewest, type FaceBinding } from '../face-checks/index.ts'
import { verifyIdentity } from '../identity/index.ts'
import { circumstances, heldTicket, buildView, type HeldTicket } from './phone-context.ts'
import { usedFor } from './proofs.ts'
import { answered, Refused } from './refusals.ts'
import { buildBinding, listRemaining, ticketColumns, type TicketRow, type Trx } from './rows.ts'
import type { FaceBegun, FaceVerdict, IdentityInput, PhoneActor, PhoneRefusal, ScanView } from './types.ts'

type Viewed = { ok: true; view: ScanView } | PhoneRefusal

const held = sql.join(phoneStates.map((state) => sql.lit(state)))

const toFaceBinding = (row: HeldTicket): FaceBinding => ({
  personId: row.personId,
  purpose: row.purpose,
  binding: buildBinding(row),
  scanTicketId: row.id
})

/** The state on the other screen never goes back: data given again do not stop a running face check. */
export async function submitIdentity (
  deps: ScanTicketsDeps,
  { scanToken, input, actor }: { scanToken: string; input: IdentityInput; actor: PhoneActor }
): Promise<Viewed> {
  return await answered(async () => {
    const row = await heldTicket(deps.db, scanToken, actor)
    if (!row.requires.includes('identity')) throw new Refused('wrong_state')
    const verified = await verifyIdentity(deps, {
      personId: row.personId,
      input,
      circumstances: {
        source: usedFor(row.id),
        locale: actor.locale,
        ...circumstances(row, actor)
      }
    })
    if (!verified.ok) return verified
    const sealed = deps.crypto.encrypt('scan_ticket', 'identity_enc', row.id, JSON.stringify(verified.validity))
    const given = await inTransaction(deps.db, async (trx) => {
      const { rows } = await sql<TicketRow>`
        update scan_ticket t
           set identity_enc = ${sealed}, identity_at = now(), state = case
             when state = 'scanned' then 'identity' else state end
         where t.id = ${row.id} and t.state in (${held}) and t.expires_at > now() and t.person_id = ${row.personId}
        returning ${ticketColumns}`.execute(trx)
      const updated = rows[0]
      if (updated === undefined) return null
      await deps.audit.record(trx, {
        type: 'identity.submitted',
        personId: row.personId,
        ...circumstances(row, actor),
        details: { ticketId: row.id }
      })
      return updated
    })
    if (given === null) {
      await heldTicket(deps.db, scanToken, actor)
      throw new Refused('wrong_state')
    }
    return { ok: true, view: await buildView(deps, deps.db, given) }
  })
}

export interface FaceInput {
  consent: { given: boolean; version: string }
  returnUrl?: string
  clientMeta?: string
}

export async function beginFace (
  deps: ScanTicketsDeps,
  { scanToken, input, actor }: { scanToken: string; input: FaceInput; actor: PhoneActor }
): Promise<{ ok: true; begun: FaceBegun } | PhoneRefusal> {
  return await answered(async () => {
    const row = await heldTicket(deps.db, scanToken, actor)
    const remaining = listRemaining(row)
    // the provider compares with the photograph in the register, so the person must be known first
    if (!remaining.includes('face') || remaining.includes('identity')) throw new Refused('wrong_state')
    return await beginFaceCheck(
      deps,
      {
        ...toFaceBinding(row),
        channel: actor.device?.kind === 'app' ? 'app' : 'h5',
        locale: actor.locale,
        consent: input.consent,
        returnUrl: input.returnUrl,
        clientMeta: input.clientMeta,
        circumstances: circumstances(row, actor)
      },
      {
        begun: async (trx, checkId) =>
          await markTicket(trx, { row, assignments: sql`state = 'face', face_check_id = ${checkId}, failure = null` }),
        exhausted: async (trx) =>
          (await markTicket(trx, { row, assignments: sql`state = 'face', failure = 'face_exhausted'` })) &&
          row.failure !== 'face_exhausted'
      }
    )
  })
}

/** Pulls the verdict. A ticket that ended meanwhile gets none; the try is still counted. */
export async function faceVerdict (
  deps: ScanTicketsDeps,
  { scanToken, checkId, actor }: { scanToken: string; checkId: string; actor: PhoneActor }
): Promise<FaceVerdict | PhoneRefusal> {
  return await answered(async () => {
    const row = await heldTicket(deps.db, scanToken, actor)
    return await pullVerdict(deps, checkId, toFaceBinding(row), circumstances(row, actor), {
      passed: async (trx, id) => {
        await markTicket(trx, { row, assignments: sql`proof = 'face', failure = null`, checkId: id })
      },
      failed: async (trx, id, left) => {
        await markTicket(trx, { row, assignments: sql`failure = ${fewest(left) === 0 ? 'face_exhausted' : 'face_failed'}`, checkId: id })
      }
    })
  })
}

/** Changes a ticket that still wants a face; with `checkId` only if that is its current check. */
async function markTicket (
  trx: Trx,
  { row, assignments, checkId }: { row: HeldTicket; assignments: ReturnType<typeof sql>; checkId?: string | undefined }
): Promise<boolean> {
  const { rows } = await sql`
    update scan_ticket t set ${assignments}
     where t.id = ${row.id} and t.state in (${held}) and t.expires_at > now() and t.person_id = ${row.personId}
       and t.requires @> '["face"]'::jsonb and t.proof is distinct from 'counter'
       and (${checkId ?? null}::text is null or t.face_check_id = ${checkId ?? null}::text)
    returning t.id`.execute(trx)
  return rows.length === 1
}

export async function useCounterCode (
  deps: ScanTicketsDeps,
  { scanToken, code, actor }: { scanToken: string; code: string; actor: PhoneActor }
): Promise<Viewed> {
  return await answered(async () => {
    const row = await heldTicket(deps.db, scanToken, actor)
    if (!listRemaining(row).includes('face')) throw new Refused('wrong_state')
    const result = await inTransaction(deps.db, async (trx) => {
      const codeId = await redeemCounterCode(trx, deps, {
        personId: row.personId,
        code,
        usedFor: usedFor(row.id),
        ...circumstances(row, actor)
      })
      // committed: a wrong code stays counted
      if (codeId === null) return null
      const { rows } = await sql<TicketRow>`
        update scan_ticket t set proof = 'counter', failure = null
         where t.id = ${row.id} and t.state in (${held}) and t.expires_at > now() and t.person_id = ${row.personId}
           and t.proof is distinct from 'counter'
        returning ${ticketColumns}`.execute(trx)
      // rolled back: the code is not spent on a ticket that is over
      if (rows[0] === undefined) throw new Refused('wrong_state')
      return rows[0]
    })
    if (result === null) throw new Refused('code_invalid')
    return { ok: true, view: await buildView(deps, deps.db, result) }
  })
}
