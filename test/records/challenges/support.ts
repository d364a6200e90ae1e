import type { Services } from '../../../src/services.ts'

/** What the picture says, read where nobody but us can. */
export async function pictureText ({ db, crypto }: Pick<Services, 'db' | 'crypto'>, id: string): Promise<string> {
  const { answerEnc } = await db
    .selectFrom('challenge')
    .select('answerEnc')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  return crypto.decrypt('challenge', 'answer_enc', id, answerEnc)
}
