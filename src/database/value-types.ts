/**
 * The JavaScript values of PostgreSQL's types, the same for both drivers, whose defaults differ: int8 and count() are
 * numbers, timestamps are Date, `date` stays 'YYYY-MM-DD' text (an identity card's date has no time zone), numeric
 * stays text, bytea is a Buffer, json and jsonb are parsed.
 */
import { types } from 'pg'

type Parser = (text: string) => unknown

const oid = {
  bytea: 17,
  int8: 20,
  json: 114,
  int8Array: 1016,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  timestamptzArray: 1185,
  interval: 1186,
  numeric: 1700,
  jsonb: 3802
}

// its published types describe another major version
const { create: arrayParser } = types.arrayParser as unknown as {
  create(text: string, element: Parser): { parse(): unknown[] }
}
const parseArrayOf =
  (element: Parser): Parser =>
    (text) =>
      arrayParser(text, element).parse()

function integer (text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('int8 value outside the safe range of a number')
  return value
}

// a timestamp without a zone is read as UTC, the time zone of every session
const instant: Parser = (text) => new Date(/[+-]\d\d(:?\d\d)?$/.test(text) ? text : `${text}Z`)
const asIs: Parser = (text) => text
const json: Parser = (text) => JSON.parse(text)

/** Parsers by type OID, for what the server sends as text. */
export const parsers: Readonly<Record<number, Parser>> = Object.freeze({
  [oid.bytea]: (text: string) => Buffer.from(text.slice(2), 'hex'),
  [oid.int8]: integer,
  [oid.int8Array]: parseArrayOf(integer),
  [oid.json]: json,
  [oid.jsonb]: json,
  [oid.date]: asIs,
  [oid.timestamp]: instant,
  [oid.timestamptz]: instant,
  [oid.timestamptzArray]: parseArrayOf(instant),
  [oid.interval]: asIs,
  [oid.numeric]: asIs
})

/** pg sends a JavaScript array as a PostgreSQL array, which no JSON column takes: refuse it here too. */
function jsonParameter (value: unknown): string {
  if (Array.isArray(value)) throw new TypeError('a json parameter must be text: JSON.stringify the array')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Serializers of the embedded database where its defaults differ from pg's. */
export const serializers: Readonly<Record<number, (value: unknown) => string>> = Object.freeze({
  [oid.json]: jsonParameter,
  [oid.jsonb]: jsonParameter
})
