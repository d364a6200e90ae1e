/**
 * Markdown of our own documents → HTML that works without script, on small screens and for screen readers: headings
 * with anchors (`## Title {#anchor}`), tables that scroll by themselves, code blocks with a label (` ```json label`)
 * and a place for the copy button. Not for text from outside: HTML in it is passed through.
 */
import { Marked, type Tokens } from 'marked'
import type { Words } from './texts.ts'

export interface Rendered {
  title: string
  html: string
  anchors: string[]
}

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char)

/** @throws when there is not exactly one heading of the first level, or an anchor is used twice: mistakes of ours */
export function renderMarkdown (markdown: string, words: Words): Rendered {
  const anchors: string[] = []
  const titles: string[] = []
  let blocks = 0
  let heading = ''
  const marked = new Marked({
    async: false,
    renderer: {
      heading ({ tokens, depth }: Tokens.Heading): string {
        const [, text = '', anchor] = /^([\s\S]*?)(?:\s*\{#([\w-]+)\})?$/.exec(this.parser.parseInline(tokens)) ?? []
        heading = text.replace(/<[^>]+>/g, '')
        if (depth === 1) titles.push(heading)
        if (anchor !== undefined) anchors.push(anchor)
        return `<h${depth}${anchor === undefined ? '' : ` id="${anchor}"`}>${text}</h${depth}>\n`
      },
      code ({ text, lang = '' }: Tokens.Code): string {
        const [language = '', ...rest] = lang.split(' ')
        const label = rest.length > 0 ? rest.join(' ') : language
        return codeBlock({ id: `b${++blocks}`, label, text, words })
      },
      table (token: Tokens.Table): string {
        const cell = (tag: string, tokens: Tokens.TableCell['tokens'], more = ''): string =>
          `<${tag}${more}>${this.parser.parseInline(tokens)}</${tag}>`
        const head = token.header
          .map(({ tokens }) => (tokens.length === 0 ? '<td></td>' : cell('th', tokens, ' scope="col"')))
          .join('')
        const rows = token.rows
          .map((row) => `<tr>${row.map(({ tokens }) => cell('td', tokens)).join('')}</tr>`)
          .join('\n')
        return `<div class="scroll" tabindex="0" role="group" aria-label="${escape(`${words.table}: ${unescape(heading)} ${++blocks}`)}"><table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>\n`
      }
    }
  })
  const html = marked.parse(markdown) as string
  if (titles.length !== 1) throw new Error(`a document has one title, not ${titles.length}: ${titles.join(', ')}`)
  const twice = anchors.filter((anchor, at) => anchors.indexOf(anchor) !== at)
  if (twice.length > 0) throw new Error(`anchors stand twice: ${twice.join(', ')}`)
  return { title: unescape(titles[0] ?? ''), html, anchors }
}

const unescape = (html: string): string =>
  html
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

interface CodeBlockInput {
  id: string
  label: string
  text: string
  words: Words
}

/**
 * A block of code: label, the text, and a button that script shows. `id` must be the only one of its kind on the page.
 */
function codeBlock ({ id, label, text, words }: CodeBlockInput): string {
  return (
    `<div class="snippet"><p class="code-label" id="${id}-l">${escape(label)}</p>` +
    `<p class="copy"><button type="button" class="btn second" data-copy="${id}" data-done="${escape(words.copied)}" data-failed="${escape(words.copyFailed)}" aria-describedby="${id}-l" hidden>${escape(words.copy)}</button> <span role="status"></span></p>` +
    `<pre id="${id}" tabindex="0" role="group" aria-labelledby="${id}-l"><code>${escape(text)}</code></pre></div>\n`
  )
}
