/**
 * Changes: the words of the page that posts an answer to a site (OAuth 2.0 Form Post Response Mode 1.0).
 *
 * Reason: people without JavaScript read this page, and it is English. The library has no setting for it. Its script
 * stays as it is, because its hash is in the Content-Security-Policy.
 *
 * Relies on: lib/response_modes/form_post.js (the title, `<html>`, the form and `<noscript>`); oidc-provider 9.13.3.
 */
import { translator, type Locale } from '../../http/locale.ts'

const title = '<title>Submitting Callback</title>'

export const isFormPost = (body: unknown): body is string => typeof body === 'string' && body.includes(title)

export function translateFormPost (html: string, locale: Locale): string {
  const t = translator(locale)
  const action = /<form method="post" action="(https?:\/\/[^/"]+)/.exec(html)?.[1] ?? ''
  const where = action === '' ? '' : ` ${new URL(action).host}`
  return html
    .replace('<html>', `<html lang="${locale}">`)
    .replace(
      title,
      `<meta name="viewport" content="width=device-width,initial-scale=1"><title>${t('app.name')}</title>`
    )
    .replace(
      /<noscript>[\s\S]*?<\/noscript>/,
      `<noscript><button autofocus type="submit">${t('logout.next')}${where}</button></noscript>`
    )
}
