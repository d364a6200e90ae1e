/**
 * Days change at midnight in Shanghai, where documents and delegations are dated, and in UTC, where the use of a secret
 * is. A test that meets a day's end in its middle sees two days where it expects one.
 */
import { setTimeout } from 'node:timers/promises'

/** Longer than a test file takes, seconds. */
const ahead = 180
const halfDays = [16 * 3600, 24 * 3600]

/** Comes at once, but in the last minutes of a day, there or here, after its end. */
export async function awayFromMidnight (): Promise<void> {
  const wait = secondsToWait(Date.now())
  if (wait > 0) await setTimeout(wait * 1000)
}

/** @param now milliseconds since the epoch */
export function secondsToWait (now: number): number {
  const time = (now / 1000) % 86_400
  const left = Math.min(...halfDays.filter((end) => end > time).map((end) => end - time))
  return left <= ahead ? left + 1 : 0
}
