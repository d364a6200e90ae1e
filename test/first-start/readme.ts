/** The README's first commands, read from it, so that what is run here is what a newcomer types. */
import { readFileSync } from 'node:fs'

/** The shell blocks of the README in their order: for each its commands one by one, without comments. */
export function readmeCommands (file: string): string[][] {
  return [...readFileSync(file, 'utf8').matchAll(/^```(?:sh|bash|shell)\n(.*?)^```/gms)].map(([, block = '']) =>
    block
      .split(/\n|&&/)
      .map((line) => line.replace(/^\$ |(^|\s)#.*$/g, '').trim())
      .filter((line) => line !== '')
  )
}
