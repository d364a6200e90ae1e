/** Comma-separated export (RFC 4180) without formulas for spreadsheets. */

import { showText } from '../../domain/plain-text.ts'

/**
 * A cell that a spreadsheet would take for a formula (or that hides one behind a blank, or in full-width signs) is
 * text: it begins with '.
 */
export function csvCell (value: string | number | boolean | null): string {
  if (value === null) return ''
  const text = typeof value === 'string' ? showText(value) : String(value)
  const safe = typeof value === 'string' && /^[\s\0]*[=+\-@＝＋－＠\t\r\n\0]/.test(value) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export type CsvRow = Array<string | number | boolean | null>

/** With a byte order mark, without which spreadsheets read Chinese wrongly. */
export const formatCsv = (header: string[], rows: CsvRow[]): string =>
  '\ufeff' + [header, ...rows].map((row) => row.map(csvCell).join(',')).join('\r\n') + '\r\n'
