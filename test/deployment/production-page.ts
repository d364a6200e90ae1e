import { readFileSync } from 'node:fs'

/**
 * The shell blocks of docs/production.md. Each is named by something in it, so that they may be moved; a test that
 * takes one must take all of them.
 */
export class ProductionBlocks {
  readonly #left: string[]

  constructor (file: string) {
    const page = readFileSync(file, 'utf8')
    this.#left = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  }

  take (mark: string): string {
    const found = this.#left.filter((block) => block.includes(mark))
    const [block] = found
    if (block === undefined || found.length > 1) throw new Error(`${found.length} blocks of the page have ${mark}`)
    this.#left.splice(this.#left.indexOf(block), 1)
    return block
  }

  get left (): readonly string[] {
    return this.#left
  }
}

/** The commands of a block, one a line. */
export const commandsOf = (block: string): string[] => block.split('\n').filter((line) => line.trim() !== '')
