/** What a person sees in the terminal: progress while it starts, then where to click and who to be. */
import type { Config } from '../ports/config.ts'
import type { RuntimeDeps } from './deps.ts'
import { demoOrganizations } from '../simulators/demo-organizations.ts'
import { demoPassword, demoPeople } from '../simulators/demo-people.ts'
import type { Demo } from '../simulators/demo.ts'

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

export function printBanner (
  config: Readonly<Config>,
  deps: RuntimeDeps,
  demo: Demo | null,
  adminLink: string | null = null
): void {
  if (config.environment === 'production') return
  const lines = [
    '',
    `Kora                ${config.issuer}`,
    `discovery           ${config.issuer}/.well-known/openid-configuration`
  ]
  if (demo !== null) lines.push(`demo relying site   ${demo.url}   <- begin here`)
  if (deps.sandbox !== null) lines.push(`sandbox (phone …)   ${config.issuer}/sandbox`)
  lines.push(
    `console             ${adminLink ?? `${config.issuer}/admin`}${adminLink === null ? '' : '   <- first administrator: good once, for 30 minutes'}`
  )
  lines.push('')
  if (config.demoData) {
    lines.push(
      `Accounts (also on the sandbox page), all with the password ${demoPassword}; the unactivated one has none yet`
    )
    lines.push(
      ...table(
        ['handle', 'ID number', 'phone', 'name', 'state'],
        demoPeople.map((person) => [person.handle, person.certNo, person.phone, person.name, person.state])
      )
    )
    lines.push('', 'Organizations, with the same password')
    lines.push(
      ...table(
        ['handle', 'code', 'legal rep.', 'agents', 'name', 'status'],
        demoOrganizations
          .filter(({ account }) => account)
          .map((one) => [
            one.handle,
            one.uscc,
            one.legalRepresentative,
            one.delegations.map(({ agent, state }) => (state === 'active' ? agent : `${agent} (${state})`)).join(', '),
            one.name,
            one.status
          ])
      )
    )
    lines.push('')
  }
  if (deps.database.kind === 'pglite') {
    lines.push(
      `Data is in ${config.dataDir} (embedded database, one process; not safe against a power cut. For real use set DATABASE_URL).`
    )
  }
  if (deps.sandbox !== null) {
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
