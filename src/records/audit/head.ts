import type { FieldCrypto } from '../../database/field-crypto.ts'
import { statement } from '../../database/statement.ts'

/** State of the whole chain, one row. */
export interface ChainHead {
  /** Last number given; 0 before the first event. */
  sequence: number
  hash: string
  /** Where the chain begins: 1, or behind what went to the archive, and the hash before that row. */
  firstSequence: number
  firstPreviousHash: string
  /** Until then events without an id are taken; null before a process of this version sealed. */
  withoutIdUntil: string | null
  /** The same, or what the next seal makes of it: a week is longer than an upgrade with two versions side by side. */
  nextWithoutIdUntil: string
  /** No event without an id is taken any more. */
  withoutIdOver: boolean
  mac: string | null
}

/** A signed position: at this sequence the chain had this hash. Copies kept elsewhere show a rewritten history. */
export interface Checkpoint {
  sequence: number
  hash: string
  mac: string
}

const utc = (time: string): string => `to_char((${time}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

export const headColumns = `head.sequence, head.hash, head.first_sequence, head.first_previous_hash, head.mac,
  ${utc('head.without_id_until')} as without_id_until,
  ${utc("coalesce(head.without_id_until, case when head.mac is null then now() else now() + interval '7 days' end)")}
    as next_without_id_until,
  coalesce(head.without_id_until <= now(), head.mac is null) as without_id_over`

/** The lock makes one sealer of many processes; none when another one holds it. */
export const lockHead = statement<[], { sequence: number }>(
  'audit_head_lock',
  'select sequence from audit_head for update skip locked'
)

/** The same, waiting for a sealer to finish. */
export const waitForHead = statement<[], ChainHead>(
  'audit_head_wait',
  `select ${headColumns} from audit_head head for update`
)

type HeadContent = Pick<ChainHead, 'sequence' | 'hash' | 'firstSequence' | 'firstPreviousHash'>

export const headMac = (
  crypto: Pick<FieldCrypto, 'mac'>,
  head: HeadContent & Pick<ChainHead, 'nextWithoutIdUntil'>
): string => crypto.mac('audit-head', headText(head, head.nextWithoutIdUntil))
export const checkpointMac = (crypto: Pick<FieldCrypto, 'mac'>, sequence: number, hash: string): string =>
  crypto.mac('audit-checkpoint', checkpointText(sequence, hash))

const headText = (head: HeadContent, withoutIdUntil: string): string =>
  JSON.stringify(['kora-audit-head-2', ...positions(head), withoutIdUntil])
const formerHeadText = (head: HeadContent): string => JSON.stringify(positions(head))
const positions = (head: HeadContent): unknown[] => [
  head.sequence,
  head.hash,
  head.firstSequence,
  head.firstPreviousHash
]
const checkpointText = (sequence: number, hash: string): string => JSON.stringify([sequence, hash])

/**
 * An untouched head (nothing sealed yet) has no MAC. The MAC of a former version is taken before this one has sealed,
 * and while both may serve side by side.
 */
export function headIsGenuine (crypto: Pick<FieldCrypto, 'verifyMac'>, head: ChainHead): boolean {
  const { mac, withoutIdUntil } = head
  if (mac === null) {
    return head.sequence === 0 && head.hash === '' && head.firstSequence === 1 && head.firstPreviousHash === ''
  }
  if (withoutIdUntil !== null && crypto.verifyMac('audit-head', headText(head, withoutIdUntil), mac)) return true
  return !head.withoutIdOver && crypto.verifyMac('audit-head', formerHeadText(head), mac)
}

export function checkpointIsGenuine (crypto: Pick<FieldCrypto, 'verifyMac'>, checkpoint: Checkpoint): boolean {
  return crypto.verifyMac('audit-checkpoint', checkpointText(checkpoint.sequence, checkpoint.hash), checkpoint.mac)
}
