/** A thread of its own that reads one foreign picture and ends; remake-picture.ts starts it and bounds it. */
import { parentPort, workerData } from 'node:worker_threads'
import { remakePicture } from './picture.ts'

parentPort?.postMessage(remakePicture(workerData as Uint8Array))
