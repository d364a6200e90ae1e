import { once } from 'node:events'
import type { Writable } from 'node:stream'

/**
 * Writes as fast as the other side reads: a long file is made one piece at a time for a slow browser, and no listener
 * is left behind. @throws Error when the other side has closed
 */
export const pacedWriter =
  (stream: Writable): ((text: string) => Promise<void>) =>
    async (text) => {
      if (stream.destroyed) throw new Error('whoever was reading has gone')
      if (stream.write(text)) return
      const over = new AbortController()
      try {
        await Promise.race([once(stream, 'drain', over), once(stream, 'close', over)])
      } finally {
        over.abort()
      }
    }
