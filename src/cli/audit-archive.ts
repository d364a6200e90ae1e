import type { FileHandle } from 'node:fs/promises'
import { archiveAudit, signTrailer } from '../records/audit/index.ts'
import type { Act } from '../domain/administration/administration.ts'
import type { RunningServices } from '../services.ts'

export interface ArchivedTo {
  events: number
  from: number | null
  to: number | null
}

/**
 * Moves everything older than `days` into a file, in batches: each is on the disk before it is deleted, and a batch
 * that could not be deleted is removed from the file again. The trailer is written also after a fault, because deleted
 * events must be in a signed file.
 */
export async function archiveTo (
  out: FileHandle,
  deps: Pick<RunningServices, 'db' | 'crypto' | 'audit' | 'config'>,
  { days, act, onProgress }: { days: number; act: Act; onProgress: (events: number) => void }
): Promise<ArchivedTo> {
  let events = 0
  let length = 0
  let first: Edge | undefined
  let last: Edge | undefined
  try {
    for (;;) {
      let bytes = 0
      let edges: [Edge, Edge] | undefined
      const { rows } = await archiveAudit(deps, {
        olderThanDays: days,
        act,
        write: async (lines) => {
          edges = [JSON.parse(lines[0] as string) as Edge, JSON.parse(lines.at(-1) as string) as Edge]
          bytes = (await out.write(lines.map((line) => `${line}\n`).join(''), length)).bytesWritten
          await out.sync()
        }
      }).catch(async (error: unknown) => {
        await out.truncate(length)
        throw error
      })
      if (rows === 0 || edges === undefined) break
      first ??= edges[0]
      last = edges[1]
      length += bytes
      events += rows
      onProgress(events)
    }
  } finally {
    if (first !== undefined && last !== undefined) {
      const trailer = await signTrailer(deps, {
        format: 'kora-audit-1',
        issuer: deps.config.issuer,
        from: first.sequence,
        to: last.sequence,
        previousHash: first.previousHash,
        hash: last.hash,
        exportedAt: new Date().toISOString()
      })
      await out.write(`${trailer}\n`, length)
      await out.sync()
    }
  }
  return { events, from: first?.sequence ?? null, to: last?.sequence ?? null }
}

interface Edge {
  sequence: number
  hash: string
  previousHash: string
}
