/** What a person sees in the terminal: progress at the start, then addresses and accounts. */
import type { Config } from '../ports/config.ts'

const words: Record<string, string> = {
  initialising: 'making the embedded database (the first start takes some seconds)',
  opening: 'opening the embedded database',
  ready: 'database ready',
  migrating: 'bringing the tables up to date'
}

export function progressLines (config: Pick<Config, 'environment'>): {
  step: (name: string) => void
  done: () => void
} {
  if (config.environment === 'production') return { step: () => {}, done: () => {} }
  const begun = Date.now()
  return {
    step: (name) => {
      console.log(`… ${words[name] ?? name}`)
    },
    done: () => {
      console.log(`… started in ${((Date.now() - begun) / 1000).toFixed(1)} s`)
    }
  }
}

/** Demo accounts: rows of text, without headings. */
export interface BannerAccounts {
  password: string
  /** Handle, ID number, phone, name, state. */
  people: string[][]
  /** Handle, code, legal representative, agents, name, status. */
  organizations: string[][]
}

export interface Banner {
  config: Pick<Config, 'dataDir' | 'environment' | 'issuer'>
  embeddedDatabase: boolean
  sandbox: boolean
  /** Address of the demo relying site. */
  demoUrl: string | null
  accounts: BannerAccounts | null
  /** First address of the first administrator. */
  adminLink: string | null
}

export function printBanner ({ config, embeddedDatabase, sandbox, demoUrl, accounts, adminLink }: Banner): void {
  if (config.environment === 'production') return
  const lines = [
    '',
    `Kora                ${config.issuer}`,
    `discovery           ${config.issuer}/.well-known/openid-configuration`
  ]
  if (demoUrl !== null) lines.push(`demo relying site   ${demoUrl}   <- begin here`)
  if (sandbox) lines.push(`sandbox (phone …)   ${config.issuer}/sandbox`)
  lines.push(
    `console             ${adminLink ?? `${config.issuer}/admin`}${adminLink === null ? '' : '   <- first administrator: good once, for 30 minutes'}`
  )
  lines.push('')
  if (accounts !== null) {
    lines.push(
      `Accounts (also on the sandbox page), all with the password ${accounts.password}; the unactivated one has none yet`
    )
    lines.push(...table(['handle', 'ID number', 'phone', 'name', 'state'], accounts.people))
    lines.push('', 'Organizations, with the same password')
    lines.push(...table(['handle', 'code', 'legal rep.', 'agents', 'name', 'status'], accounts.organizations))
    lines.push('')
  }
  if (embeddedDatabase) {
    lines.push(
      `Data is in ${config.dataDir} (embedded database, one process; not safe against a power cut. For real use set DATABASE_URL).`
    )
  }
  if (sandbox) {
    lines.push('SANDBOX: phones, faces, registers and messages are simulated. Do not enter real personal data.')
  }
  lines.push('Stop with Ctrl-C. The log of requests follows; LOG_LEVEL=warn leaves it out.', '')
  console.log(lines.join('\n'))
}

function table (head: string[], rows: string[][]): string[] {
  // CJK characters take two columns
  const width = (text: string): number => [...text].reduce((sum, character) => sum + (character > '\u2e80' ? 2 : 1), 0)
  const widths = head.map((title, at) => Math.max(width(title), ...rows.map((row) => width(row[at] ?? ''))))
  const line = (cells: string[]): string =>
    '  ' +
    cells
      .map((cell, at) => cell + ' '.repeat((widths[at] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd()
  return [line(head), line(widths.map((count) => '-'.repeat(count))), ...rows.map(line)]
}
