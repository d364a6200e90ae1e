/**
 * /developers: what the developer of a relying site needs, true for this deployment: documents from Markdown with the
 * values of the running configuration, code for the site (snippets/), and in the sandbox a page to try the flow. Owns
 * no table; shows nothing about any client except what its reader typed.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { DevelopersDeps } from './deps.ts'
import { registerCode } from './code.ts'
import { buildHref, loadDocuments } from './documents.ts'
import { llmsText } from './llms.ts'
import { nearest } from './nearest.ts'
import { selectTexts, type Words } from './texts.ts'
import { registerTry } from './test-login.ts'

export interface DeveloperLayout {
  w: Words
  /** Language of the content; Tibetan readers get Chinese. */
  lang: 'zh-CN' | 'en'
  styles: string
  script: string
  nav: Array<{ title: string; href: string; current: boolean }>
}

/** One document: its HTML is ours, rendered at start from documents/. */
export interface DocumentPage extends DeveloperLayout {
  title: string
  html: string
}

export interface NotFoundPage extends DeveloperLayout {
  nearest: Array<{ title: string; href: string }>
}

declare module '../../http/pages.ts' {
  interface Pages {
    'developers/document': DocumentPage
    'developers/not-found': NotFoundPage
  }
}

export {
  exampleFacts,
  exampleNames,
  examplePeople,
  exampleRepresentation,
  type ExampleName
} from './example-people.ts'
export { isErrorCode } from './error-catalogue.ts'
export { ensureTryClient } from './test-login-client.ts'
export { listEndpoints } from './facts.ts'
export {
  toDeviceClient,
  makeDeviceSnippet,
  makeSnippets,
  toSnippetClient,
  type Snippet,
  type SnippetClient,
  type SnippetFault,
  type SnippetsOutcome
} from './snippets/index.ts'
export { registerClaimSchemas } from './claim-schemas/index.ts'
export { authorizationRequest } from './authorization-request.ts'

/** The layout around a page of the documentation; `slug` is the current one. */
export type BuildLayout = (request: FastifyRequest, slug: string) => DeveloperLayout

export async function registerDevelopers (app: FastifyInstance, deps: Pick<DevelopersDeps, 'config'>): Promise<void> {
  const { config } = deps
  const documents = loadDocuments(config)
  const { assets } = app.renderer

  const buildLayout: BuildLayout = (request, slug) => {
    const lang = request.locale === 'en' ? 'en' : 'zh-CN'
    return {
      w: selectTexts(lang),
      lang,
      styles: assets.url('developers.css'),
      script: assets.url('developers.js'),
      nav: documents.entries.map((entry) => ({
        title: documents.title(entry, lang),
        href: buildHref(entry.slug),
        current: entry.slug === slug
      }))
    }
  }

  for (const entry of documents.entries) {
    if (entry.file === null) continue
    app.get(buildHref(entry.slug), async (request, reply) => {
      const frame = buildLayout(request, entry.slug)
      const { title = '', html = '' } = documents.rendered(entry, frame.lang) ?? {}
      return reply.page('developers/document', { ...frame, title, html })
    })
  }
  registerCode(app, deps, buildLayout)
  if (config.sandbox && config.demoData) registerTry(app, deps, buildLayout)

  app.get('/developers/*', async (request, reply) => {
    const frame = buildLayout(request, '')
    const found = nearest((request.params as { '*': string })['*'], documents.entries)
    return reply.page(
      'developers/not-found',
      {
        ...frame,
        nav: frame.nav.map((item) => ({ ...item, current: false })),
        nearest: found.map((entry) => ({ title: documents.title(entry, frame.lang), href: buildHref(entry.slug) }))
      },
      { status: 404 }
    )
  })

  const llms = llmsText(config, documents)
  app.get(
    '/llms.txt',
    async (_request, reply) =>
      await reply.type('text/plain; charset=utf-8').header('cache-control', 'public, max-age=300').send(llms)
  )
}
