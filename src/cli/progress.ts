/** The progress of a long command: on standard error, because output may be piped; at most once a second. */
export interface Progress {
  at: (count: number) => void
  /** Ends the line, if there is one. */
  end: () => void
}

export function reportProgress (what: string, error: NodeJS.WriteStream = process.stderr): Progress {
  let shown = Date.now()
  let open = false
  return {
    at (count) {
      if (Date.now() - shown < 1000) return
      shown = Date.now()
      // a terminal shows one line that moves, a log file one line each
      error.write(error.isTTY ? `\r${count} ${what}` : `${count} ${what}\n`)
      open = error.isTTY
    },
    end () {
      if (open) error.write('\n')
      open = false
    }
  }
}
