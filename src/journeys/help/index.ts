/**
 * The pages that belong to no journey: the front page and the help texts (privacy, terms, accessibility, manual,
 * registration agreement).
 */
import type { FastifyInstance } from 'fastify'
import type { HelpDeps } from './deps.ts'

export interface HomePage {
  /** Demo relying site (sandbox). */
  demoHref: string | null
  sandboxHref: string | null
  userCentreHref: string | null
}

export interface HelpPage {
  version: string
}

declare module '../../http/pages.ts' {
  interface Pages {
    'help/home': HomePage
    'help/index': HelpPage
    'help/privacy': HelpPage
    'help/terms': HelpPage
    'help/accessibility': HelpPage
    'help/manual': HelpPage
    'help/registration': HelpPage
  }
}

const topics = ['privacy', 'terms', 'accessibility', 'manual', 'registration'] as const

export async function registerHelp (app: FastifyInstance, deps: HelpDeps): Promise<void> {
  const { config } = deps
  const demo = config.demoData && config.relyingSitePort !== null ? `http://localhost:${config.relyingSitePort}` : null
  app.get('/', async (_request, reply) =>
    reply.page('help/home', { demoHref: demo, sandboxHref: config.sandbox ? '/sandbox' : null, userCentreHref: '/me' })
  )
  app.get('/help', async (_request, reply) => reply.page('help/index', { version: config.policyVersion }))
  for (const topic of topics) {
    app.get(`/help/${topic}`, async (_request, reply) =>
      reply.page(`help/${topic}`, { version: config.policyVersion })
    )
  }
}
