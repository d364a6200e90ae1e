/** Refusals of the sandbox API as problem details (RFC 9457). */
import type { FastifyInstance } from 'fastify'

export class SandboxProblem extends Error {
  readonly status: number
  readonly code: string
  /** `detail` is for developers; it never repeats what was sent. */
  constructor (status: number, code: string, detail: string) {
    super(detail)
    this.name = 'SandboxProblem'
    this.status = status
    this.code = code
  }
}

export const unknownPerson = (): SandboxProblem =>
  new SandboxProblem(
    404,
    'unknown_person',
    'No demo person and no stored person has this handle, id, document number or phone.'
  )

/**
 * Answers for a scope of routes: their own problems and faults of validation; everything else goes to the server's
 * handler.
 */
export function answerProblems (scope: FastifyInstance): void {
  scope.setErrorHandler(
    async (
      error: Error & {
        validation?: Array<{ instancePath: string; message?: string }>
        validationContext?: string
        statusCode?: number
      },
      request,
      reply
    ) => {
      const problem =
        error instanceof SandboxProblem
          ? error
          : error.validation !== undefined
            ? new SandboxProblem(
              400,
              'invalid_request',
              error.validation
                .map(
                  ({ instancePath, message }) =>
                      `${error.validationContext ?? 'body'}${instancePath}: ${message ?? 'invalid'}`
                )
                .slice(0, 5)
                .join('; ')
            )
            : error.statusCode === 415
              ? new SandboxProblem(415, 'unsupported_media_type', 'Send application/json.')
              : null
      if (problem === null) throw error
      return await reply
        .code(problem.status)
        .header('cache-control', 'no-store')
        .type('application/problem+json')
        .send(
          JSON.stringify({
            type: 'about:blank',
            title: titles[problem.status] ?? 'Error',
            status: problem.status,
            code: problem.code,
            detail: problem.message,
            trace_id: String(request.id)
          })
        )
    }
  )
}

const titles: Record<number, string> = {
  400: 'Bad Request',
  404: 'Not Found',
  409: 'Conflict',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  503: 'Service Unavailable'
}
