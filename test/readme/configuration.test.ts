/**
 * docs/configuration.md is generated from the list that `src/config.ts` reads;
 * `UPDATE_DOCS=1 node test/readme/configuration.test.ts` writes it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { settings, settingsByName, type Setting, type SettingName } from '../../src/settings.ts'

const page = new URL('../../docs/configuration.md', import.meta.url)
const headings: Record<Setting['group'], string> = {
  service: 'The service',
  database: 'Database',
  keys: 'Keys and encryption',
  proxy: 'Proxies and networks',
  'sign-in': 'Signing in',
  providers: 'Providers',
  operation: 'Operation',
  sandbox: 'Sandbox'
}

const code = (value: string): string => /^[\w./:-]+$/.test(value) ? `\`${value}\`` : value

function row (name: SettingName): string {
  const { fallback, meaning, values, range, production, secret, formerly } = settingsByName[name]
  const allowed = values?.map(code).join(', ') ?? (range === undefined ? '' : `${range[0]}–${range[1]}`)
  const notes = [
    meaning,
    production === 'always' ? 'Production needs it.' : production === 'refused' ? `${values === undefined ? 'Refused' : '`on` is refused'} in production.` : '',
    secret === true ? `May be in a file: \`${name}_FILE\`.` : '',
    formerly === undefined ? '' : `Formerly \`${formerly}\`, still read in this version, with a warning.`
  ]
  return `| \`${name}\` | ${code(fallback)} | ${allowed} | ${notes.filter(Boolean).join(' ')} |`
}

function generate (): string {
  const names = Object.keys(settings) as SettingName[]
  const sections = (Object.keys(headings) as Setting['group'][]).map((group) => [
    `## ${headings[group]}`,
    '',
    '| setting | default | values | meaning |',
    '|---|---|---|---|',
    ...names.filter((name) => settingsByName[name].group === group).map(row)
  ].join('\n'))
  return [
    '# Configuration',
    'All settings come from the environment; development needs none. A wrong one ends the start with one line for ' +
      'each fault that says what to do. [.env.example](../.env.example) is the file to begin with in production.',
    'A secret may be in a file of its own, which holds it and nothing else: `<NAME>_FILE` names the file. Setting ' +
      'both is a fault.',
    ...sections
  ].join('\n\n') + '\n'
}

t.test('docs/configuration.md shows the list of settings', async (t) => {
  if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(page, generate())
  t.equal(readFileSync(page, 'utf8'), generate())
})
