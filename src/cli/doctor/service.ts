/**
 * What is kept in the database, and whether it is in order: master key, signing keys, audit chain, messages to send.
 */
import { sql, type Kysely } from 'kysely'
import { assertMasterKeyFits, MasterKeyMismatch, type Database, type FieldCrypto } from '../../database/index.ts'
import { verifyChain } from '../../records/audit/index.ts'
import { listKeys, listRemovedKeyUses } from '../../records/keys/index.ts'
import { loadKeys, signingAlgs } from '../../tokens/signing-keys.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

const day = 86_400_000

export async function checkMasterKey (db: Kysely<Database>, crypto: FieldCrypto): Promise<Finding> {
  try {
    await assertMasterKeyFits(db, crypto)
    return ok('master-key', 'it is the one that this database was filled with')
  } catch (error) {
    if (!(error instanceof MasterKeyMismatch)) throw error
    return fail('master-key', 'it is not the one that this database was filled with', error.message)
  }
}

export async function checkKeys (
  db: Kysely<Database>,
  crypto: FieldCrypto,
  { rotationDays, now }: { rotationDays: number; now: number }
): Promise<Finding[]> {
  const keys = await listKeys(db)
  if (keys.length === 0) return [warn('signing-keys', 'there are none yet', 'The first start of Kora makes them.')]
  const findings: Finding[] = []
  for (const alg of signingAlgs) {
    const active = keys.find((key) => key.alg === alg && key.state === 'active')
    const next = keys.find((key) => key.alg === alg && key.state === 'pre-published')
    if (active?.activatedAt == null) {
      findings.push(fail('signing-keys', `${alg}: no key signs`, 'Restart Kora: a start makes what is missing.'))
      continue
    }
    const days = Math.floor((now - active.activatedAt.getTime()) / day)
    if (next === undefined) {
      findings.push(
        warn(
          'signing-keys',
          `${alg}: signs for ${days} days, no successor is published`,
          `Kora publishes one within ten minutes of running; or: kora keys publish ${alg} --reason …`
        )
      )
    } else if (days > rotationDays + 1) {
      findings.push(
        warn(
          'signing-keys',
          `${alg}: signs for ${days} days, ${rotationDays} are planned`,
          `Is a Kora running? Or: kora keys rotate ${alg} --reason …`
        )
      )
    } else {
      findings.push(
        ok('signing-keys', `${alg}: signs for ${days} of ${rotationDays} days, its successor is published`)
      )
    }
  }
  await loadKeys(db, crypto)
  const recent = (await listRemovedKeyUses(db)).filter(({ lastAt }) => now - lastAt.getTime() < 7 * day)
  if (recent.length > 0) {
    findings.push(
      warn(
        'removed-keys',
        `still used by ${[...new Set(recent.map(({ clientId }) => (clientId === '' ? 'an unknown site' : clientId)))].join(', ')}`,
        'See kora keys list. Ask the site to log people in anew; if the key was removed because it leaked, somebody ' +
          'else may be using it.'
      )
    )
  }
  return findings
}

const recentEvents = 1000

/** The head, the backlog of the sealer, and the last events; the whole chain is `kora audit verify`. */
export async function checkAudit (db: Kysely<Database>, crypto: FieldCrypto): Promise<Finding> {
  const {
    rows: [head]
  } = await sql<{ sequence: string }>`select sequence from audit_head`.execute(db)
  const result = await verifyChain(db, crypto, { from: Math.max(1, Number(head?.sequence ?? 0) - recentEvents + 1) })
  if (!result.ok) {
    return fail(
      'audit',
      `the chain is broken: ${result.fault.kind} at sequence ${result.fault.sequence}`,
      'Keep the database as it is, and run: kora audit verify'
    )
  }
  if (result.oldestUnsealedSeconds > 60) {
    return warn(
      'audit',
      `${result.unsealed} events wait to be sealed, the oldest for ${result.oldestUnsealedSeconds} s`,
      'No process seals: is a Kora running, and may its role update audit_head?'
    )
  }
  return ok('audit', `the last ${result.checked} events are whole, up to sequence ${result.to}`)
}

export async function checkOutbox (db: Kysely<Database>): Promise<Finding> {
  const {
    rows: [row]
  } = await sql<{ late: string; dead: string }>`select
    count(*) filter (where done_at is null and dead_at is null and run_at < now() - interval '10 minutes') as late,
    count(*) filter (where dead_at is not null) as dead from outbox`.execute(db)
  if (Number(row?.late ?? 0) > 0) {
    return fail(
      'outbox',
      `${row?.late} messages are late by more than ten minutes`,
      'No process delivers logout tokens and messages: is a Kora running?'
    )
  }
  return Number(row?.dead ?? 0) > 0
    ? warn(
      'outbox',
        `${row?.dead} messages could not be delivered`,
        'See the dead letters in the console; send them again when the cause is gone.'
    )
    : ok('outbox', 'nothing is late')
}
