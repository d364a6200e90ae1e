/** Take out what looks like a document or phone number, a token or a code. */
export function scrub (text: string): string {
  // cut first: the patterns look back over up to 200 characters at each place
  return text
    .slice(0, 4000)
    .replace(/[A-Za-z0-9_\-+/=~.]{0,200}\.[A-Za-z0-9_-]{20,}\.?[A-Za-z0-9_-]*/g, '[token]')
    .replace(
      /(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*\d)(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}(?![A-Za-z0-9_-])/g,
      '[token]'
    )
    .replace(/\d{6,}[\dXx]?/g, '[number]')
}
