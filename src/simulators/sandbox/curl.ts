/** Calls as commands for a terminal (POSIX shell). */
import type { TranscriptStep } from './schemas.ts'
import type { LoggedCall } from './phone.ts'

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
const pretty = (value: unknown): string => (value === null ? '' : JSON.stringify(value, null, 2))

interface FormatCurlInput {
  method: string
  url: string
  body: unknown
  headers?: readonly string[] | undefined
}

export function formatCurl ({ method, url, body, headers = [] }: FormatCurlInput): string {
  const lines = [`curl -X ${method} ${quoted(url)}`, ...headers.map((header) => `-H ${quoted(header)}`)]
  if (body !== null) lines.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`)
  return lines.join(' \\\n  ')
}

/** The log of a journey. What only the device has stands as a placeholder. */
export function formatCalls (issuer: string, steps: readonly TranscriptStep[]): LoggedCall[] {
  return steps.map(({ step, request: { method, path, body }, status, response }) => ({
    step,
    status,
    title: step === 'camera' ? path : `${method} ${path}`,
    request: pretty(body),
    response: pretty(response),
    curl:
      step === 'camera'
        ? null
        : formatCurl({
          method,
          url: `${issuer}${path}`,
          body,
          headers: [
            'DPoP: <proof>',
            ...(['device', 'scan'].includes(step) ? [] : ['Scan-Token: <scan_token>'])
          ]
        })
  }))
}
