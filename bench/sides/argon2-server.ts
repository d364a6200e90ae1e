/**
 * argon2 alone: verifies one hash with Kora's parameters as often as it can, on as many threads as Kora would.
 * Told over IPC for how many milliseconds; answers with hashes, seconds and seconds of processor time.
 */
import { availableParallelism } from 'node:os'
import { createPasswordHasher } from '../../src/adapters/password-hasher.ts'

const threads = availableParallelism()
const hasher = createPasswordHasher({ concurrency: threads })
const password = 'Snow-lion-2026'
const phc = await hasher.hash(password)

process.on('message', (milliseconds: number) => {
  const begun = performance.now()
  const used = process.cpuUsage()
  let hashes = 0
  const worker = async (): Promise<void> => {
    while (performance.now() - begun < milliseconds) {
      await hasher.verify(phc, password)
      hashes++
    }
  }
  Promise.all(Array.from({ length: threads }, worker)).then(
    () => {
      const { user, system } = process.cpuUsage(used)
      process.send?.({ hashes, seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6 })
    },
    (error: unknown) => {
      throw error
    }
  )
})
process.on('disconnect', () => {
  process.exit()
})
process.send?.('ready')
