/**
 * Reads a number from a source file by the name of its constant, so that docs/numbers.md needs no export. A value is
 * arithmetic of numbers and of other constants of the same file; anything else throws.
 */
import { readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)
const sources = new Map<string, string>()

/** The text of a file without comments and type annotations of constants. */
function readSource (file: string): string {
  const known = sources.get(file)
  if (known !== undefined) return known
  const text = readFileSync(new URL(file, root), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1')
  sources.set(file, text)
  return text
}

/** The expression from `start` to the comma, bracket or line end that closes it. */
function readExpression (text: string, start: number): string {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const character = text[at] as string
    if ('{[('.includes(character)) depth++
    else if ('}])'.includes(character) && --depth < 0) return text.slice(start, at)
    else if (depth === 0 && (character === ',' || character === '\n')) return text.slice(start, at)
  }
  return text.slice(start)
}

/** The value of a member directly inside the object literal `text`. */
function readMember (text: string, name: string): string | undefined {
  const body = text.indexOf('{') + 1
  if (body === 0) return undefined
  let depth = 0
  for (let at = body; at < text.length; at++) {
    const character = text[at] as string
    if ('{[('.includes(character)) depth++
    else if ('}])'.includes(character)) depth--
    else if (depth === 0 && /[\s{,]/.test(text[at - 1] ?? '') && text.startsWith(`${name}:`, at)) {
      return readExpression(text, at + name.length + 1).trim()
    }
  }
  return undefined
}

/** Sums of products: `30 * 86_400 + 3_600`. */
const calculate = (text: string): number =>
  text.replaceAll(' - ', ' + -').split(' + ').map((product) =>
    product.split(' * ').reduce((result, factor) => {
      const [first = NaN, ...divisors] = factor.split(' / ').map(Number)
      return divisors.reduce((quotient, divisor) => quotient / divisor, result * first)
    }, 1)
  ).reduce((sum, value) => sum + value, 0)

/** @param path `name` or `name.member`, `name.member.member` */
export function readNumber (file: string, path: string): number {
  const text = readSource(file)
  const [name = '', ...members] = path.split('.')
  const declaration = new RegExp(`^(?:export )?const ${name}(?:: [^=]+)? = `, 'm').exec(text)
  let value = declaration === null ? undefined : readExpression(text, declaration.index + declaration[0].length)
  for (const member of members) value = value === undefined ? undefined : readMember(value, member)
  if (value === undefined) throw new Error(`${file} has no constant ${path}`)
  const resolved = value
    .replace(/ as const$/, '')
    .replace(/^'(\d+)'$/, '$1')
    .replace(/(?<=\d)_(?=\d)/g, '')
    .replace(/[A-Za-z_$][\w$.]*/g, (other) => String(readNumber(file, other)))
    .trim()
  if (!/^[\d.]+(?: [*+/-] [\d.]+)*$/.test(resolved)) throw new Error(`${file}: ${path} is not a number: ${value}`)
  return calculate(resolved)
}

const count = (amount: number, one: string): string => `${amount.toLocaleString('en-US')} ${one}${amount === 1 ? '' : 's'}`

const formats: Record<string, (value: number) => string> = {
  number: (value) => value.toLocaleString('en-US'),
  percent: (value) => `${value * 100} %`,
  milliseconds: (value) => value < 1000 ? `${value} ms` : format(value / 1000, 'seconds'),
  seconds: (value) =>
    value % 60 !== 0 || value < 120 ? `${value} s` : format(value / 60, 'minutes'),
  minutes: (value) => value % 60 !== 0 ? `${value} min` : format(value / 60, 'hours'),
  hours: (value) => value % 24 !== 0 || value < 48 ? `${value} h` : format(value / 24, 'days'),
  days: (value) => count(value, 'day'),
  bytes: (value) => value % 1024 !== 0 ? count(value, 'byte') : format(value / 1024, 'kib'),
  kib: (value) => value % 1024 !== 0 ? `${value.toLocaleString('en-US')} KB` : `${value / 1024} MB`
}

function format (value: number, unit: string): string {
  const write = formats[unit]
  if (write === undefined) throw new Error(`no unit ${unit}`)
  return write(value)
}

const placeholder = /\{(?:([^{}#|]+)#)?([\w.]+)(?:\|(\w+))?\}/g

/**
 * Fills `{name}`, `{name|unit}` and `{other/file.ts#name|unit}` in a template.
 *
 * @param file where names without a file are looked up
 */
export const fillNumbers = (template: string, file: string): string =>
  template.replace(placeholder, (_, other: string | undefined, path: string, unit = 'number') =>
    format(readNumber(other ?? file, path), unit))
