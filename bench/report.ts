/** What was measured, for people. */
import type { FlowResult } from './measure.ts'

const digits = (value: number | null, places = 0): string =>
  value === null || Number.isNaN(value) ? '–' : value.toFixed(places)
const percent = (value: number): string => `${Math.round(value * 100)} %`

const head = [
  'flow',
  'Kora/s',
  'other/s',
  'Kora µs',
  '(database)',
  'other µs',
  'Kora per core',
  'of the other',
  'goal',
  '',
  'p50 ms',
  'p99 ms',
  'queries'
]

function row ({ flow, kora, other, ratio }: FlowResult): string[] {
  return [
    flow.title,
    digits(kora.perSecond),
    digits(other.perSecond),
    digits(kora.cpuMicros),
    digits(kora.databaseMicros),
    digits(other.cpuMicros),
    kora.cpuMicros === null ? '–' : digits(1e6 / kora.cpuMicros),
    percent(ratio),
    percent(flow.goal),
    ratio >= flow.goal ? 'reached' : 'MISSED',
    digits(kora.p50, 1),
    digits(kora.p99, 1),
    digits(kora.queriesPerFlow, 1)
  ]
}

export function table (results: FlowResult[]): string {
  const rows = [head, ...results.map(row)]
  const widths = head.map((_, column) => Math.max(...rows.map((cells) => (cells[column] ?? '').length)))
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

/** What a reader must know before believing the table. */
export function notes (results: FlowResult[]): string[] {
  const out = [
    'Rates are flows per second as measured; µs is processor time per flow, server and database together (threads ' +
      'included); the ratio compares processor time.',
    'other = the bare engine (oidc-provider, storage in memory, its defaults); for password logins argon2 alone.'
  ]
  for (const { flow, kora, other } of results) {
    if (kora.cpuMicros === null) {
      out.push(`${flow.title}: processor time is not known here, the ratio compares throughput.`)
    }
    for (const [name, side] of [
      ['Kora', kora],
      ['the other', other]
    ] as const) {
      if (side.generatorShare !== null && side.generatorShare >= 0.1) {
        out.push(
          `${flow.title}: the load generator took ${percent(side.generatorShare)} of the processor time at ${name} (it should stay below 10 %; throughput there may be more than shown, processor time per flow is not touched).`
        )
      }
      if (side.errors > 0) out.push(`${flow.title}: ${side.errors} errors at ${name}; the first: ${side.error ?? ''}`)
    }
  }
  return out
}
