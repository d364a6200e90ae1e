/**
 * altered: a row's content, time or MAC was changed · missing: rows are gone from the middle · swapped: rows changed
 * places · truncated: the end is gone · rewritten: rows agree with each other but not with a signed position · forged:
 * a signed position (head or checkpoint) is not ours · repeated: the same event is there twice · redated: an event was
 * stored at another time than it was recorded · added: a row where the chain has none.
 */
export type ChainFaultKind =
  | 'altered'
  | 'missing'
  | 'swapped'
  | 'truncated'
  | 'rewritten'
  | 'forged'
  | 'repeated'
  | 'redated'
  | 'added'

export interface ChainFault {
  kind: ChainFaultKind
  /** Place in the chain; 0 for an event that is not sealed yet (`id` identifies it). */
  sequence: number
  id: number | null
  /** The other place, when two rows were swapped; the last one, when rows are missing. */
  otherSequence?: number
}

const listed = 100

/** What a verification found: the first hundred, and how many there are. */
export class FoundFaults {
  readonly list: ChainFault[] = []
  count = 0

  /** The same thing at the same place is one fault, whatever shows it. */
  add (kind: ChainFaultKind, sequence: number, more: { id?: number; otherSequence?: number | undefined } = {}): void {
    const { id = null, otherSequence } = more
    const known = this.list.some(
      (fault) => fault.kind === kind && fault.sequence === sequence && (sequence !== 0 || fault.id === id)
    )
    if (known) return
    this.count += 1
    if (this.list.length >= listed) return
    this.list.push({ kind, sequence, id, ...(otherSequence !== undefined && { otherSequence }) })
  }
}
