/**
 * What a page is, without its sentences: the hooks that layouts and partials write. The same for answers over HTTP and
 * for `await page.content()` of Chromium.
 */
import { parse } from './html.ts'

export interface Screen {
  /** Name of the screen, as its template's: 'login/password'. */
  page: string | null
  /** Message keys of the errors, in order. */
  errors: string[]
  notices: string[]
  /** Values of all forms, as a browser would send them. */
  fields: Record<string, string | string[]>
  /** Paths that forms post to. */
  actions: string[]
}

const all = (html: string, hook: string): string[] =>
  [...html.matchAll(new RegExp(`<[^>]* ${hook}="([^"]*)"`, 'g'))].map((match) => match[1] ?? '')

export function screen (html: string): Screen {
  const forms = parse(html, 'http://localhost')
  return {
    page: all(html, 'data-page')[0] ?? null,
    errors: all(html, 'data-error'),
    notices: all(html, 'data-notice'),
    fields: Object.assign({}, ...forms.map((form) => form.fields)) as Screen['fields'],
    actions: forms.map((form) => new URL(form.action).pathname)
  }
}
