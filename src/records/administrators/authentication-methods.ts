/** How an administrator signed in, as `amr` says it (RFC 8176). */
import type { SignInMethod } from './sessions.ts'

export const authenticationMethods: Readonly<Record<SignInMethod, string[]>> = {
  passkey: ['pop', 'user', 'mfa'],
  password: ['pwd', 'otp', 'mfa']
}

export const signInMethod = (amr: unknown): SignInMethod =>
  Array.isArray(amr) && amr.includes('otp') ? 'password' : 'passkey'
