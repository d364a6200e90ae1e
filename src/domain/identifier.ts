/**
 * Random identifiers and secrets. People copy them into command lines and addresses, so none begins with `-`, which a
 * command line takes for an option, or with `_`.
 */
import { randomBytes } from 'node:crypto'

/** Whether it begins with a letter or a digit. */
export const beginsPlainly = (identifier: string): boolean => /^[A-Za-z0-9]/.test(identifier)

/** Draws until the identifier begins with a letter or digit; each of these stays equally likely. */
export function drawIdentifier (draw: () => string): string {
  for (;;) {
    const identifier = draw()
    if (beginsPlainly(identifier)) return identifier
  }
}

/** @param bytes of randomness, written in base64url behind the prefix */
export const newIdentifier = (bytes: number, prefix = ''): string =>
  drawIdentifier(() => prefix + randomBytes(bytes).toString('base64url'))
