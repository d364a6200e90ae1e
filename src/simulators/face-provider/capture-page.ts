/** Markup of the capture page. Pure: a model in, HTML out, everything escaped. Works as a plain form. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { cameraStates, localeNames, locales, word } from './texts.ts'
import type { Locale, Word } from './texts.ts'
import { outcomes } from './transactions.ts'

const stylesheet = readFileSync(new URL('./assets/capture.css', import.meta.url), 'utf8').trim()

/** The stylesheet's hash for `style-src`. */
export const styleHash = `'sha256-${createHash('sha256').update(stylesheet).digest('base64')}'`

export interface CaptureModel {
  locale: Locale
  /** Address of this page, without query. */
  action: string
  /** The form was sent without an outcome. */
  missing: boolean
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '')

/** A word as an element's content, marked when it is in another language than the page. */
function say (locale: Locale, key: Word): string {
  const { text, lang } = word(locale, key)
  return lang === locale ? escape(text) : `<span lang="${lang}">${escape(text)}</span>`
}

/** A word as attribute text. */
const plain = (locale: Locale, key: Word): string => escape(word(locale, key).text)

interface LayoutInput {
  locale: Locale
  title: string
  languagesAt: string | null
  main: string
}

function layout ({ locale, title, languagesAt, main }: LayoutInput): string {
  const languages =
    languagesAt === null
      ? ''
      : `<nav aria-label="${plain(locale, 'language')}"><ul>${locales
          .map(
            (other) =>
              `<li><a href="${escape(languagesAt)}?lang=${other}" lang="${other}"${other === locale ? ' aria-current="true"' : ''}>${escape(localeNames[other])}</a></li>`
          )
          .join('')}</ul></nav>`
  return `<!doctype html>
<html lang="${locale}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${stylesheet}</style>
<script type="module" src="/capture.js"></script>
</head>
<body>
<header><p class="banner"><strong>${say(locale, 'banner')}</strong></p>${languages}</header>
<main>
${main}
</main>
</body>
</html>
`
}

/** The page where an outcome is chosen. */
export function capturePage ({ locale, action, missing }: CaptureModel): string {
  const t = (key: Word): string => say(locale, key)
  const title = `${missing ? plain(locale, 'errorPrefix') : ''}${plain(locale, 'title')}`
  const summary = missing
    ? `<div class="summary" tabindex="-1"><div role="alert"><h2>${t('errorTitle')}</h2><ul><li><a href="#outcome-pass">${t('errorChoose')}</a></li></ul></div></div>`
    : ''
  const states = cameraStates.map((state) => ` data-${state}="${plain(locale, `camera.${state}`)}"`).join('')
  const radios = outcomes
    .map(
      (outcome) =>
        `<div class="radio"><input type="radio" name="outcome" id="outcome-${outcome}" value="${outcome}"${outcome === 'pass' && !missing ? ' checked' : ''}><label for="outcome-${outcome}">${t(`outcome.${outcome}`)}</label></div>`
    )
    .join('\n')
  const described = missing ? 'choose-hint choose-error' : 'choose-hint'
  return layout(
    {
      locale,
      title,
      languagesAt: action,
      main: `${summary}<h1>${t('title')}</h1>
<h2>${t('prepare')}</h2>
<ul class="tips">${(['light', 'frame', 'uncovered', 'single'] as const).map((key) => `<li>${t(key)}</li>`).join('')}</ul>
<section id="camera" aria-labelledby="camera-title" hidden>
<h2 id="camera-title">${t('camera')}</h2>
<p>${t('privacy')}</p>
<video id="picture" width="240" height="320" muted playsinline hidden aria-label="${plain(locale, 'video')}"></video>
<p id="camera-status" role="status"${states}></p>
<p><button type="button" id="camera-start">${t('start')}</button> <button type="button" id="camera-stop" hidden>${t('stop')}</button></p>
</section>
<form method="post" action="${escape(action)}?lang=${locale}">
<fieldset aria-describedby="${described}"${missing ? ' class="bad"' : ''}>
<legend>${t('choose')}</legend>
<p id="choose-hint">${t('chooseHint')}</p>
${missing ? `<p id="choose-error" class="message">${t('errorChoose')}</p>` : ''}
${radios}
</fieldset>
<button type="submit" class="main">${t('submit')}</button>
</form>`
    }
  )
}

/** Nothing left to do here: finished without an address to go back to, or a link that is no longer good. */
export function endPage (locale: Locale, kind: 'done' | 'gone'): string {
  return layout(
    { locale, title: plain(locale, `${kind}Title`), languagesAt: null, main: `<h1 tabindex="-1">${say(locale, `${kind}Title`)}</h1>\n<p>${say(locale, `${kind}Text`)}</p>` }
  )
}
