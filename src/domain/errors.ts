/**
 * A rule of the domain refused an act. Thrown only for forbidden transitions and broken contracts; what a user can
 * correct is a discriminated union instead. `code` is stable: it is the key of the message, and what tests and clients
 * compare. `details` fills the placeholders of the message and must not contain personal data (it may be logged).
 */
export class DomainError extends Error {
  readonly code: string
  // Declared only: an undefined own property would show up in every log line.
  declare readonly details?: Record<string, unknown>

  constructor (code: string, details?: Record<string, unknown>) {
    super(code)
    this.name = 'DomainError'
    this.code = code
    if (details !== undefined) this.details = details
  }
}

/**
 * A value that must be corrected. Its text is the message `fault.<field>.<code>`, else `fault.<code>`, else
 * `fault.invalid`; `details` fill its placeholders.
 */
export interface FieldError {
  field: string
  code: string
  details?: Record<string, string | number>
}
