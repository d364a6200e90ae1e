/** Work that a process repeats beside requests; the runtime decides when. */
export interface PeriodicTask {
  /** One round of work. @returns true when there is more to do soon */
  round(): Promise<boolean>
  /** What the log says when a round fails. */
  failed: string
  /** Until the next round; a function is called before each pause. */
  pauseMilliseconds: number | (() => number)
  /** Before the first round; without it, the pause. */
  firstMilliseconds?: number
}
