/** Password hashing: slow on purpose, so it runs outside the event loop and behind a bounded queue. */
export interface PasswordHasher {
  /** PHC string of an NFKC-normalized password. Throws HasherBusy. */
  hash(password: string): Promise<string>
  /**
   * Whether the password belongs to the PHC string. `null` (no such account, or no password set) is false and costs the
   * same time through the same queue, so the time of the answer reveals nothing. Throws HasherBusy.
   */
  verify(phc: string | null, password: string): Promise<boolean>
  /** True when the string was made with other parameters than the current ones: hash again after a success. */
  needsRehash(phc: string): boolean
  /** Running and waiting at this moment. */
  depth(): { running: number; waiting: number }
}

/** Too many hashes at once: answer 503 with another way (scan instead, or try again in some seconds). */
export class HasherBusy extends Error {
  readonly code = 'hasher_busy'
  readonly retryAfterSeconds: number
  constructor (retryAfterSeconds = 5) {
    super('too many password hashes at once')
    this.name = 'HasherBusy'
    this.retryAfterSeconds = retryAfterSeconds
  }
}
