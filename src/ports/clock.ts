/** Time as the process sees it. Never used for expiry of stored things: that is the database clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** 'YYYY-MM-DD' of an instant in Asia/Shanghai, where all identity documents of this product are dated. */
export function shanghaiDate (milliseconds: number): string {
  return new Date(milliseconds + 8 * 3600_000).toISOString().slice(0, 10)
}
