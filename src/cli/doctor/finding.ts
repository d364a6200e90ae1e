/** What a check found. */
export interface Finding {
  check: string
  status: 'ok' | 'warn' | 'fail'
  message: string
  /** What to do about it. */
  advice?: string
}

export const ok = (check: string, message: string): Finding => ({ check, status: 'ok', message })
export const warn = (check: string, message: string, advice: string): Finding => ({
  check,
  status: 'warn',
  message,
  advice
})
export const fail = (check: string, message: string, advice: string): Finding => ({
  check,
  status: 'fail',
  message,
  advice
})

/** One line of an error, without what it was doing: addresses and codes help, stacks do not. */
export function describeCause (error: unknown): string {
  const { code, cause, message } = error as { code?: string; cause?: unknown; message?: string }
  if (typeof code === 'string' && /^[A-Z0-9_]+$/.test(code)) return code
  return cause instanceof Error ? describeCause(cause) : (String(message ?? error).split('\n')[0] ?? '')
}
