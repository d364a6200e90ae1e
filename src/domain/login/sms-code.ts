/**
 * Limits of codes by short message: those of carriers and providers, repeated here because people should get a clear
 * answer.
 */
export const smsLimits = Object.freeze({
  /** A code is good for so long. */
  seconds: 300,
  tries: 5,
  resend: { limit: 1, seconds: 60 },
  hour: { limit: 5, seconds: 3600 },
  day: { limit: 10, seconds: 86_400 },
  /** From one network: a service hall has many people behind one address. */
  source: { limit: 60, seconds: 3600 },
  /** From what one customer of a network may have, and one company: nobody alone uses up the budget of everybody. */
  customer: { limit: 180, seconds: 3600 },
  company: { limit: 1250, seconds: 3600 },
  /** Of the whole deployment. */
  all: { limit: 5000, seconds: 3600 }
})

/** What a code is for: nothing else takes it. */
export type SmsPurpose = 'register' | 'recover' | 'change-phone'
