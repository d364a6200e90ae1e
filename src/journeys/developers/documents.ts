/** The documents in reading order, and their rendering at start. */
import { readFileSync } from 'node:fs'
import { collectFacts, type DocumentConfig } from './facts.ts'
import { renderMarkdown, type Rendered } from './markdown.ts'
import type { DocLanguage } from './snippets/index.ts'
import { fill } from './snippets/template.ts'
import { selectTexts } from './texts.ts'

export const docLanguages: readonly DocLanguage[] = ['zh-CN', 'en']

export interface DocumentEntry {
  /** Below /developers; '' is the first. */
  slug: string
  /** Named documents are Markdown files; the others are pages of their own. */
  file: string | null
  /** Only where the sandbox is on, with its demo data. */
  sandbox: boolean
  /** Other words for it, for people who look for a page that does not exist. */
  alike: readonly string[]
}

interface EntryInput {
  slug: string
  file: string | null
  alike?: readonly string[] | undefined
  sandbox?: boolean | undefined
}

const entry = ({ slug, file, alike = [], sandbox = false }: EntryInput): DocumentEntry => ({
  slug,
  file,
  sandbox,
  alike
})

const entries: readonly DocumentEntry[] = [
  entry({ slug: '', file: 'quick-start', alike: ['quickstart', 'getting-started', 'start', 'index', 'home'] }),
  entry({ slug: 'flows', file: 'flows', alike: ['flow', 'grant-types', 'grants', 'pkce', 'device'] }),
  entry({ slug: 'endpoints', file: 'endpoints', alike: ['endpoint', 'discovery', 'metadata', 'jwks'] }),
  entry({ slug: 'apis', file: 'apis', alike: ['api', 'resource', 'resource-server', 'resource-servers', 'audience'] }),
  entry({ slug: 'claims', file: 'claims', alike: ['scopes', 'scope', 'claim', 'userinfo', 'fields'] }),
  entry({ slug: 'levels', file: 'levels', alike: ['acr', 'level', 'step-up', 'loa', 'assurance'] }),
  entry({
    slug: 'organizations',
    file: 'organizations',
    alike: [
      'representation',
      'organization',
      'agents',
      'delegation',
      'verified-claims'
    ]
  }),
  entry({ slug: 'logout', file: 'logout', alike: ['log-out', 'backchannel', 'back-channel', 'end-session'] }),
  entry({ slug: 'errors', file: 'errors', alike: ['error', 'error-codes'] }),
  entry({ slug: 'code', file: null, alike: ['snippets', 'samples', 'examples', 'libraries'] }),
  entry({ slug: 'try', file: null, alike: ['playground', 'test'], sandbox: true }),
  entry({ slug: 'test-accounts', file: 'test-accounts', alike: ['accounts', 'sandbox'], sandbox: true }),
  entry({ slug: 'security', file: 'security', alike: ['checklist', 'security-checklist'] }),
  entry({ slug: 'changes', file: 'changes', alike: ['changelog', 'release-notes', 'history'] })
]

export const buildHref = (slug: string): string => (slug === '' ? '/developers' : `/developers/${slug}`)

export interface Documents {
  /** Those of this deployment. */
  entries: readonly DocumentEntry[]
  title: (entry: DocumentEntry, language: DocLanguage) => string
  rendered: (entry: DocumentEntry, language: DocLanguage) => Rendered | undefined
  /** First paragraph, for llms.txt. */
  summary: (entry: DocumentEntry, language: DocLanguage) => string
}

const folder = new URL('documents/', import.meta.url)

/** Reads and renders everything once. Throws for a document that names an unknown value: a mistake of ours. */
export function loadDocuments (config: DocumentConfig): Documents {
  const own = entries.filter(({ sandbox }) => !sandbox || (config.sandbox && config.demoData))
  const pages = new Map<string, Rendered & { summary: string }>()
  for (const language of docLanguages) {
    const facts = collectFacts(config, language)
    for (const { slug, file } of own) {
      if (file === null) continue
      const markdown = fill(readFileSync(new URL(`${language}/${file}.md`, folder), 'utf8'), facts)
      const summary = /^# .*\n+(?!```|[#|-])([^\n]+)/m.exec(markdown)?.[1] ?? ''
      pages.set(`${language} ${slug}`, { ...renderMarkdown(markdown, selectTexts(language)), summary })
    }
  }
  const dynamicTitle = (slug: string, language: DocLanguage): string =>
    slug === 'code' ? selectTexts(language).code : selectTexts(language).tryTitle
  return {
    entries: own,
    title: ({ slug }, language) => pages.get(`${language} ${slug}`)?.title ?? dynamicTitle(slug, language),
    rendered: ({ slug }, language) => pages.get(`${language} ${slug}`),
    summary: ({ slug }, language) =>
      pages.get(`${language} ${slug}`)?.summary ??
      (slug === 'code' ? selectTexts(language).codeIntro : selectTexts(language).tryIntro)
  }
}
