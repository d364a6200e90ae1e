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
  checkpointSequence: number
  /** Seconds since the last checkpoint. */
  checkpointAge: number
  mac: string | null
}

/** A signed position: at this sequence the chain had this hash. Copies kept elsewhere show a rewritten history. */
export interface Checkpoint {
  sequence: number
  hash: string
  mac: string
}

const columns =
  'sequence, hash, first_sequence, first_previous_hash, checkpoint_sequence, mac, extract(epoch from now() - ' +
  'checkpoint_at)::float8 as checkpoint_age'
export const readHead = statement<[], ChainHead>('audit_head_read', `select ${columns} from audit_head`)
/** The lock makes one sealer of many processes; none when another one holds it. */
export const lockHead = statement<[], ChainHead>(
  'audit_head_lock',
  `select ${columns} from audit_head for update skip locked`
)

/** The same, waiting for a sealer to finish. */
export const waitForHead = statement<[], ChainHead>('audit_head_wait', `select ${columns} from audit_head for update`)

export const headMac = (crypto: Pick<FieldCrypto, 'mac'>, head: HeadContent): string =>
  crypto.mac('audit-head', headText(head))
export const checkpointMac = (crypto: Pick<FieldCrypto, 'mac'>, sequence: number, hash: string): string =>
  crypto.mac('audit-checkpoint', checkpointText(sequence, hash))

type HeadContent = Pick<ChainHead, 'sequence' | 'hash' | 'firstSequence' | 'firstPreviousHash'>

const headText = (head: HeadContent): string =>
  JSON.stringify([head.sequence, head.hash, head.firstSequence, head.firstPreviousHash])
const checkpointText = (sequence: number, hash: string): string => JSON.stringify([sequence, hash])

/** An untouched head (nothing sealed yet) has no MAC. */
export function headIsGenuine (crypto: Pick<FieldCrypto, 'verifyMac'>, head: ChainHead): boolean {
  if (head.mac === null) return head.sequence === 0 && head.hash === '' && head.firstSequence === 1
  return crypto.verifyMac('audit-head', headText(head), head.mac)
}

export function checkpointIsGenuine (crypto: Pick<FieldCrypto, 'verifyMac'>, checkpoint: Checkpoint): boolean {
  return crypto.verifyMac('audit-checkpoint', checkpointText(checkpoint.sequence, checkpoint.hash), checkpoint.mac)
}
