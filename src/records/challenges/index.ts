/**
 * Challenges before a short message is sent: proof of work where script runs, characters in a picture where it does
 * not. Owns the table challenge.
 *
 * One challenge serves both. It belongs to one browser and one action, lasts two minutes, and is used up by the first
 * answer, right or wrong. The answer is neither in the page nor in an address. It slows programs down and authenticates
 * nobody.
 */
import { sql, type Kysely } from 'kysely'
import { newIdentifier } from '../../domain/identifier.ts'
import type { Database } from '../../database/schema.ts'
import { isWorkDone, workBits } from '../../domain/login/proof-of-work.ts'
import type { ChallengesDeps } from './deps.ts'
import { createThrottle } from '../throttle/index.ts'
import { newAnswer, normaliseAnswer, drawPicture } from './picture.ts'

const challengeSeconds = 120

/** What a form needs to draw a challenge. */
export interface ShownChallenge {
  id: string
  /** Leading zero bits. */
  bits: number
  /** Address of the picture. */
  picture: string
}

export interface ChallengeAnswer {
  id: string
  work: string
  text: string
}

/** `expired`: over, used, another browser's or action's, or none at all. */
export type ChallengeVerdict = 'passed' | 'wrong' | 'expired'

export interface Challenges {
  /** Null: too many from this browser or address. */
  issue(about: { browserHash: string; action: string; source: string }): Promise<ShownChallenge | null>
  /** Uses up the challenge, also with a wrong answer. */
  settle(answer: ChallengeAnswer, about: { browserHash: string; action: string }): Promise<ChallengeVerdict>
}

const [perBrowser, perSource, windowSeconds] = [40, 400, 600]
const isId = (id: string): boolean => /^ch_[\w-]{22}$/.test(id)

export function createChallenges (deps: Pick<ChallengesDeps, 'db' | 'crypto'>): Challenges {
  const { db, crypto } = deps
  const throttle = createThrottle(deps)
  return {
    async issue ({ browserHash, action, source }) {
      if (!(await throttle.hit(`challenge:browser:${browserHash}`, perBrowser, windowSeconds)).allowed) return null
      if (!(await throttle.hit(`challenge:source:${source}`, perSource, windowSeconds)).allowed) return null
      const id = newIdentifier(16, 'ch_')
      await db
        .insertInto('challenge')
        .values({
          id,
          browserHash,
          action,
          answerEnc: crypto.encrypt('challenge', 'answer_enc', id, newAnswer()),
          expiresAt: sql<Date>`now() + make_interval(secs => ${challengeSeconds})`
        })
        .execute()
      return { id, bits: workBits, picture: `/challenge/${id}.png` }
    },
    async settle ({ id, work, text }, { browserHash, action }) {
      if (!isId(id)) return 'expired'
      const used = await db
        .updateTable('challenge')
        .set({ usedAt: sql<Date>`now()` })
        .where('id', '=', id)
        .where('browserHash', '=', browserHash)
        .where('action', '=', action)
        .where('usedAt', 'is', null)
        .where('expiresAt', '>', sql<Date>`now()`)
        .returning('answerEnc')
        .executeTakeFirst()
      if (used === undefined) return 'expired'
      if (work !== '' && isWorkDone(id, work)) return 'passed'
      return normaliseAnswer(text) === crypto.decrypt('challenge', 'answer_enc', id, used.answerEnc)
        ? 'passed'
        : 'wrong'
    }
  }
}

/** The picture (PNG) of a challenge, for the browser that it was made for, while it may be answered; else null. */
export async function challengePicture (
  { db, crypto }: Pick<ChallengesDeps, 'db' | 'crypto'>,
  id: string,
  browserHash: string
): Promise<Buffer | null> {
  if (!isId(id)) return null
  const row = await db
    .selectFrom('challenge')
    .select('answerEnc')
    .where('id', '=', id)
    .where('browserHash', '=', browserHash)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', sql<Date>`now()`)
    .executeTakeFirst()
  return row === undefined ? null : drawPicture(crypto.decrypt('challenge', 'answer_enc', id, row.answerEnc))
}

/** Deletes at most `limit` challenges that are over. Returns how many. */
export async function sweepChallenges (db: Kysely<Database>, limit = 500): Promise<number> {
  const { rows } = await sql`
    delete from challenge where id in (select id from challenge where expires_at < now() order by expires_at
      limit ${limit} for update skip locked) returning id`.execute(db)
  return rows.length
}
