/** Short messages to mainland mobiles. */
export interface SmsMessage {
  /** E.164, +86… */
  phone: string
  /** Template of the message; the text itself is the provider's registered template. */
  template: 'verification-code' | 'notice'
  parameters: Record<string, string>
  /** Our id of this message: a provider must not send it twice. */
  messageId: string
}

/** The messages left at the provider, and the number below which more should be bought. */
export interface SmsBalance {
  remaining: number
  alarmBelow: number
}

export interface SmsSender {
  /** Null: the provider does not report it, or not now. Never throws. */
  balance?(): Promise<SmsBalance | null>
  /** A sign of life of this moment; never throws. */
  health?(): Promise<{ reachable: boolean; /** A code, for example timeout. */ fault?: string }>
  /** One attempt. Throws SmsUnavailable or SmsRefused. */
  send(message: SmsMessage): Promise<void>
}

/** The provider did not answer, or not as it should: the same message may be sent again later. */
export class SmsUnavailable extends Error {
  /**
   * `not_asked`: it failed a moment ago, so it was not asked. `untrusted`: something answered that is not the provider,
   * or cannot prove it; the message may be sent.
   */
  readonly kind: 'outage' | 'not_asked' | 'untrusted'
  constructor (
    message: string,
    { kind = 'outage', ...options }: ErrorOptions & { kind?: SmsUnavailable['kind'] } = {}
  ) {
    super(message, options)
    this.name = 'SmsUnavailable'
    this.kind = kind
  }
}

/** The provider will never send this message (a number that does not exist, a limit of its own). */
export class SmsRefused extends Error {
  /** The provider's code. */
  readonly code: string
  constructor (code: string) {
    super(`the provider refused the message: ${code}`)
    this.name = 'SmsRefused'
    this.code = code
  }
}
