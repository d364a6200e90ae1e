/** Charts as small SVG, made here: no script, no style attributes. A table beside them has the same values. */

export interface Bar {
  label: string
  value: number
  tone?: 'good' | 'bad' | 'plain'
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
const fills = { good: '#0b6b3a', bad: '#b3261e', plain: '#0a4f8f' } as const

/**
 * Bars beside each other's names, longest = whole width.
 * @param labelledBy id of the heading that says what is counted
 */
export function barChart (bars: Bar[], labelledBy: string): string {
  const top = Math.max(1, ...bars.map(({ value }) => value))
  const rows = bars.map(({ label, value, tone = 'plain' }, at) => {
    const y = at * 34
    const width = value === 0 ? 0 : Math.max(2, Math.round((value / top) * 250))
    return `<text x="0" y="${y + 12}">${escape([...label].slice(0, 28).join(''))}</text><rect x="0" y="${y + 16}" width="${width}" height="12" fill="${fills[tone]}"/><text x="${width + 6}" y="${y + 26}">${value}</text>`
  })
  return `<svg class="chart" role="img" aria-labelledby="${labelledBy}" viewBox="0 0 300 ${bars.length * 34}">${rows.join('')}</svg>`
}

export interface Column {
  good: number
  bad: number
}

/** Stacked columns, oldest first: successes below, failures above with a gap between. */
export function columnChart (columns: Column[], labelledBy: string): string {
  const top = Math.max(1, ...columns.map(({ good, bad }) => good + bad))
  const step = 300 / Math.max(1, columns.length)
  const height = (value: number): number => (value === 0 ? 0 : Math.max(1, Math.round((value / top) * 90)))
  const drawn = columns.map(({ good, bad }, at) => {
    const [x, low, high] = [(at * step + 1).toFixed(1), height(good), height(bad)]
    const width = (step - 2).toFixed(1)
    return (
      (low > 0 ? `<rect x="${x}" y="${96 - low}" width="${width}" height="${low}" fill="${fills.good}"/>` : '') +
      (high > 0 ? `<rect x="${x}" y="${95 - low - high}" width="${width}" height="${high}" fill="${fills.bad}"/>` : '')
    )
  })
  return `<svg class="chart" role="img" aria-labelledby="${labelledBy}" viewBox="0 0 300 100"><path d="M0 97h300" stroke="#6b7680"/>${drawn.join('')}</svg>`
}
