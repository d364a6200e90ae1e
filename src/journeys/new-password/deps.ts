import type { PasswordHasher } from '../../ports/password-hasher.ts'

/** What passwords needs from outside; the composition root provides it. */
export interface PasswordsDeps {
  hasher: PasswordHasher
}
