/** 换个账号: drops the identified person and does not use the session. */
import { startAfresh } from '../../records/login-attempts/index.ts'
import type { StepDeps } from './deps.ts'
import type { LoginContext } from './facts.ts'
import { open, type Outcome } from './step.ts'

export const otherAccountStep = ({ db }: Pick<StepDeps, 'db'>) => ({
  async restart ({ uid, browserHash }: LoginContext): Promise<Outcome> {
    await startAfresh(db, uid, browserHash)
    return open('login')
  }
})
