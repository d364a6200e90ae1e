/** What the sandbox's pages share: frame, choices, and the error page for what its API answers with a problem. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { PageError } from '../../http/page-error.ts'
import { demoPeople } from '../demo-people.ts'
import { outcomes as faceOutcomes } from '../face-provider/index.ts'
import { SandboxProblem } from './problem.ts'
import { selectTexts, type Words } from './texts.ts'

export interface SandboxLayout {
  /** Words in the page's language (Chinese for Tibetan). */
  s: Words
  /** Address of the additional style sheet. */
  styles: string
  csrf: string
}

export interface Choice {
  value: string
  label: string
}

export const csrfScope = 'sandbox'

export interface Choice {
  value: string
  label: string
}

export const peopleChoices = (): Choice[] =>
  demoPeople.map(({ handle, name }) => ({ value: handle, label: `${name} (${handle})` }))
export const faceChoices = (s: Words): Choice[] =>
  faceOutcomes.map((outcome) => ({ value: outcome, label: s[`fc_${outcome}`] }))

/** What every sandbox page needs: words, style sheet, and a token for its forms. */
export function buildLayout (request: FastifyRequest, reply: FastifyReply): { s: Words; styles: string; csrf: string } {
  reply.ensureBrowser()
  return {
    s: selectTexts(request.locale),
    styles: request.server.renderer.assets.url('sandbox.css'),
    csrf: request.csrfToken(csrfScope)
  }
}

/** What the API answers with a problem is an error page here. */
export async function known<T> (work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof SandboxProblem
      ? new PageError(error.status, error.status === 404 ? 'not_found' : 'bad_request')
      : error
  }
}
