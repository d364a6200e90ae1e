/** Reads forms out of our own pages: what a browser without script would send. */
export interface Form {
  method: string
  /** Absolute address. */
  action: string
  fields: Record<string, string | string[]>
  /** Named buttons: name → values. */
  buttons: Array<{ name: string; value: string }>
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" }
const decode = (text: string): string => text.replace(/&(#?\w+);/g, (all, name: string) => entities[name] ?? all)

function attributes (tag: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [, name = '', double, single, bare] of tag.matchAll(
    /([\w:-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+)))?/g
  )) {
    found[name.toLowerCase()] = decode(double ?? single ?? bare ?? '')
  }
  return found
}

/** Forms of a page. Fields outside of their form (`form="id"`) are not read. */
export function parse (html: string, base: string): Form[] {
  const forms: Form[] = []
  for (const [, head = '', body = ''] of html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)) {
    const form = attributes(head)
    const fields: Record<string, string | string[]> = {}
    const buttons: Form['buttons'] = []
    for (const [, kind = '', rest = ''] of body.matchAll(/<(input|button)\b([^>]*)>/gi)) {
      const field = attributes(rest)
      const { name, value = '', type = kind === 'button' ? 'submit' : 'text' } = field
      if (name === undefined || name === '' || 'disabled' in field) continue
      if (type === 'submit' || kind.toLowerCase() === 'button') {
        buttons.push({ name, value })
        continue
      }
      if ((type === 'checkbox' || type === 'radio') && !('checked' in field)) continue
      const value2 = type === 'checkbox' && value === '' ? 'on' : value
      const before = fields[name]
      fields[name] = before === undefined ? value2 : [...(Array.isArray(before) ? before : [before]), value2]
    }
    for (const [, head2 = '', options = ''] of body.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/gi)) {
      const { name } = attributes(head2)
      const chosen = /<option\b([^>]*\bselected\b[^>]*)>/i.exec(options) ?? /<option\b([^>]*)>/i.exec(options)
      if (name !== undefined) fields[name] = attributes(chosen?.[1] ?? '')['value'] ?? ''
    }
    forms.push({
      method: (form['method'] ?? 'get').toLowerCase(),
      action: new URL(form['action'] ?? '', base).href,
      fields,
      buttons
    })
  }
  return forms
}

/** Text of a page without tags, for assertions about words. */
export const words = (html: string): string =>
  decode(html.replace(/<style[\s\S]*?<\/style>|<script[\s\S]*?<\/script>/gi, '').replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim()
