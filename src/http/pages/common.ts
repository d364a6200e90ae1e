/** Parts that several page models share. Models carry data; every text comes from the locale catalogue. */

/** A relying site as shown to people. `lang` is the language of `name`, so that it is announced right. */
export interface RelyingSite {
  name: string
  lang: string
  host: string
  /** Address of its picture, 40 by 40; absent = none was uploaded. */
  logo?: string
  /** Where "back to X" leads (ends the attempt with access_denied); absent = no such link. */
  cancelHref?: string
}

/**
 * A value that must be corrected. The text is the message `fault.<field>.<code>`, else `fault.<code>`,
 * else `fault.invalid`; `details` fill its placeholders. The shape equals FieldFault of the phone side.
 */
export interface FieldError {
  field: string
  code: string
  details?: Record<string, string | number>
}

export interface Tab {
  id: 'personal' | 'legal' | 'qr'
  href: string
  current: boolean
}

/** A link whose text is data (the name of a site), not a message. */
export interface NamedLink {
  href: string
  name: string
  lang: string
}

/** A form that is only a button: where it posts, and its token. */
export interface FormTarget {
  action: string
  csrf: string
}
