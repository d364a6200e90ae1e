import t from 'tap'
import { loadConfig } from '../../../src/config.ts'
import { claimsByScope } from '../../../src/domain/claims/claims.ts'
import { docLanguages, buildHref, loadDocuments } from '../../../src/journeys/developers/documents.ts'
import { errorCatalogue } from '../../../src/journeys/developers/error-catalogue.ts'
import { duration, collectFacts } from '../../../src/journeys/developers/facts.ts'
import { renderMarkdown } from '../../../src/journeys/developers/markdown.ts'
import { distance, nearest } from '../../../src/journeys/developers/nearest.ts'
import { selectTexts } from '../../../src/journeys/developers/texts.ts'
import { routes } from '../../../src/oidc/configuration.ts'

const config = loadConfig({ NODE_ENV: 'test', ISSUER: 'https://sso.example.gov.cn' })
/** Code says `undefined`, and has texts in Chinese. */
const withoutCode = (html: string): string => html.replace(/<pre[\s\S]*?<\/pre>/g, '')
const production = { ...config, sandbox: false, demoData: false }

t.test('every document in both languages, with and without the sandbox: filled, with the same anchors', async (t) => {
  for (const one of [config, production]) {
    const documents = loadDocuments(one)
    for (const entry of documents.entries) {
      if (entry.file === null) continue
      const [zh, en] = docLanguages.map((language) => documents.rendered(entry, language))
      if (zh === undefined || en === undefined) throw new Error(`no ${entry.slug}`)
      t.same(zh.anchors, en.anchors, `${entry.slug}: one table of contents`)
      for (const { html, title } of [zh, en]) {
        t.notMatch(withoutCode(html), /\{\{|undefined|\[object|\{#/, `${entry.slug}: filled`)
        t.ok(title.length > 1)
        t.equal((html.match(/<h1/g) ?? []).length, 1)
      }
      t.match(zh.html, /[一-龥]/)
      t.notMatch(withoutCode(en.html), /[一-龥]/, `${entry.slug}: English is English`)
      t.ok(documents.summary(entry, 'en').length > 20, `${entry.slug}: summary`)
    }
  }
})

t.test('links between documents lead to documents and anchors that are there', async (t) => {
  const documents = loadDocuments(config)
  const known = new Set([
    ...documents.entries.map(({ slug }) => buildHref(slug)),
    '/sandbox',
    '/sandbox/api',
    '/admin/api/v1/docs',
    '/admin/api/v1/openapi.json'
  ])
  for (const language of docLanguages) {
    for (const entry of documents.entries) {
      for (const [, href = ''] of documents.rendered(entry, language)?.html.matchAll(/href="(\/[^"]*)"/g) ?? []) {
        const [path = '', anchor] = href.split('#')
        t.ok(known.has(path), `${language} ${entry.slug}: ${href}`)
        const target = documents.entries.find(({ slug }) => buildHref(slug) === path)
        if (anchor !== undefined && target !== undefined) {
          t.ok(documents.rendered(target, language)?.anchors.includes(anchor), `${language} ${entry.slug}: ${href}`)
        }
      }
    }
  }
})

t.test('nothing of the sandbox outside of it', async (t) => {
  const documents = loadDocuments(production)
  t.notOk(documents.entries.some(({ slug }) => slug === 'try' || slug === 'test-accounts'))
  for (const entry of documents.entries) {
    t.notMatch(
      documents.rendered(entry, 'en')?.html ?? '',
      /demo-public|\/sandbox|\/developers\/try|localhost:30/,
      entry.slug
    )
  }
})

t.test('true values: every endpoint, scope, claim and error code', async (t) => {
  const documents = loadDocuments(config)
  const html = (slug: string): string =>
    documents.rendered(
      documents.entries.find((entry) => entry.slug === slug)!,
      'en'
    )?.html ?? ''
  for (const path of Object.values(routes)) t.match(html('endpoints'), `https://sso.example.gov.cn${path}`)
  for (const claim of Object.values(claimsByScope).flat()) t.match(html('claims'), `<code>${claim}</code>`)
  for (const { code } of errorCatalogue) t.match(html('errors'), `<h2 id="${code}"><code>${code}</code></h2>`)
  t.equal(new Set(errorCatalogue.map(({ code }) => code)).size, errorCatalogue.length)
  t.match(html('flows'), '60 seconds')
  t.match(html('flows'), 'at most 5 minutes', 'of a JWT in the name of an organization, from the rule itself')
})

t.test('examples are what the product says: no document number, no name of anybody else', async (t) => {
  const facts = collectFacts(config, 'en')
  t.same(JSON.parse(String(facts['exampleSelf'])), { representation: { role: 'self' } })
  t.match(JSON.parse(String(facts['exampleAgent'])), {
    representation: {
      role: 'agent',
      organization: { uscc: /^[0-9A-Z]{18}$/ },
      delegation: { functions: ['tax.filing'] }
    }
  })
  t.match(JSON.parse(String(facts['exampleVerifiedAgent'])), {
    verified_claims: [
      { verification: { trust_framework: 'https://sso.example.gov.cn/tf/identity' } },
      { claims: { authority: { permission: [{ role: 'agent', may_delegate: false }] } } }
    ]
  })
  t.notMatch(String(facts['exampleIdToken']), /cert_|"name": "扎西/)
})

t.test('durations', async (t) => {
  t.same(
    [60, 90, 120, 600, 3600, 43_200, 86_400, 30 * 86_400].map((seconds) => duration(seconds, 'en')),
    ['60 seconds', '90 seconds', '2 minutes', '10 minutes', '1 hour', '12 hours', '1 day', '30 days']
  )
  t.equal(duration(600, 'zh-CN'), '10 分钟')
})

t.test('markdown: labels, tables, anchors, escaping; mistakes are found at start', async (t) => {
  const words = selectTexts('en')
  const { html } = renderMarkdown(
    '# T {#t}\n\n| a | b |\n|---|---|\n| 1 | `<x>` |\n\n```json A & B\n{"a":"<b>"}\n```\n',
    words
  )
  t.match(html, '<h1 id="t">T</h1>')
  t.match(
    html,
    /<div class="scroll" tabindex="0" role="group" aria-label="Table: T 1"><table><thead><tr><th scope="col">a<\/th>/
  )
  t.match(html, '<code>&lt;x&gt;</code>')
  t.match(html, 'A &amp; B</p>')
  t.match(html, '{&quot;a&quot;:&quot;&lt;b&gt;&quot;}')
  t.throws(() => renderMarkdown('## no title', words), /one title/)
  t.throws(() => renderMarkdown('# a\n\n## b {#x}\n\n## c {#x}', words), /twice/)
})

t.test('the nearest pages', async (t) => {
  const { entries } = loadDocuments(config)
  const slugs = (path: string): string[] => nearest(path, entries).map(({ slug }) => slug)
  t.equal(slugs('eror')[0], 'errors')
  t.equal(slugs('scopes')[0], 'claims')
  t.equal(slugs('stepup')[0], 'levels')
  t.equal(slugs('Endpoints.html')[0], 'endpoints')
  t.equal(slugs('getting-started')[0], '')
  for (const odd of ['', 'x'.repeat(5000), '%', '../..', '字']) t.equal(slugs(odd).length, 3)
  t.equal(distance('kitten', 'sitting'), 3)
  t.equal(distance('', 'abc'), 3)
})
