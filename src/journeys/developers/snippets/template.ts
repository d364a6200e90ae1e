/**
 * A minimal template language for code: `{{name}}`, `{{#flag}}…{{/flag}}`, `{{^flag}}…{{/flag}}`. Marks of a section on
 * their own lines remove these lines. No escaping: values are checked before (values.ts).
 */
import type { Values } from './values.ts'

/** @throws when a name is not known: a mistake in a template, found by the tests */
export function fill (template: string, values: Values): string {
  const value = (name: string): string | boolean => {
    const found = values[name]
    if (found === undefined) throw new Error(`no value "${name}"`)
    return found
  }
  let text = template.replace(/^[ \t]*(\{\{[#^/]\w+\}\})[ \t]*\n/gm, '$1')
  for (let before = ''; before !== text;) {
    before = text
    text = text.replace(
      /\{\{([#^])(\w+)\}\}((?:(?!\{\{[#^])[\s\S])*?)\{\{\/\2\}\}/g,
      (_, kind: string, name: string, inner: string) => ((kind === '#') === (value(name) === true) ? inner : '')
    )
  }
  return text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => String(value(name)))
}
