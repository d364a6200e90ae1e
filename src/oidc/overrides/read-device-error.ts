/**
 * Changes: nothing; distinguishes the library's errors of a device login.
 *
 * Reason: `userCodeInputSource` gets the error, but the library exports none of these classes.
 *
 * Relies on: lib/helpers/re_render_errors.js (the names); oidc-provider 9.13.3.
 */
const outcomes = {
  AbortedError: 'refused',
  AccessDenied: 'refused',
  NotFoundError: 'unknown',
  ExpiredError: 'unknown',
  AlreadyUsedError: 'used'
} as const

type DeviceError = (typeof outcomes)[keyof typeof outcomes]

/** Null: another error, or none. */
export const readDeviceError = (error: Error | undefined): DeviceError | null =>
  error !== undefined && Object.hasOwn(outcomes, error.name) ? outcomes[error.name as keyof typeof outcomes] : null
