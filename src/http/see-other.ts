/** Ends a request with a 303 to the page where it continues (RFC 9110 §15.4.4); registerErrors sends it. */
export class SeeOther extends Error {
  readonly location: string
  constructor (location: string) {
    super('see other')
    this.name = 'SeeOther'
    this.location = location
  }
}
