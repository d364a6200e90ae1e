/**
 * Foreign pictures are read in a thread of their own, one at a time, with bounds of time and memory. A file of a few KB
 * can cost a decoder many seconds, and the process serves everybody else meanwhile.
 */
import { Worker } from 'node:worker_threads'
import type { Picture } from './picture.ts'

/** An honest logo takes some 100 ms. */
const longestMilliseconds = 3000
const memory = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 32 } as const

let former: Promise<unknown> = Promise.resolve()

/** As `remakePicture`; a file that takes too much time or memory is not a picture. */
export async function remakePictureSafely (file: Uint8Array): Promise<Picture> {
  const picture = former.then(async () => await readInThread(file))
  former = picture
  return await picture
}

async function readInThread (file: Uint8Array): Promise<Picture> {
  const { promise, resolve } = Promise.withResolvers<Picture>()
  const refuse = (): void => {
    resolve({ ok: false, fault: 'not_a_picture' })
  }
  const worker = new Worker(new URL('./picture-worker.ts', import.meta.url), {
    workerData: file,
    resourceLimits: memory,
    // nothing of the process: no settings, no secrets
    env: {},
    execArgv: []
  })
  const timer = setTimeout(refuse, longestMilliseconds)
  worker.on('message', (made: Picture) => {
    // a buffer arrives as an array of bytes
    resolve(made.ok ? { ...made, png: Buffer.from(made.png) } : made)
  })
  worker.on('error', refuse)
  worker.on('exit', refuse)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    await worker.terminate()
  }
}
