import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ConfigError, loadConfig, loadMigrationConfig } from '../src/config.ts'
import { secretSettings, settings, settingsByName, type SettingName } from '../src/settings.ts'

const masterKey = Buffer.alloc(32, 'k').toString('base64')
const values: Record<string, string> = {
  DATABASE_URL: 'postgres://kora_app:secret@db.example/kora',
  MIGRATION_DATABASE_URL: 'postgres://kora:secret@db.example/kora',
  MASTER_KEY: masterKey,
  MASTER_KEY_PREVIOUS: `k0:${Buffer.alloc(32, 'p').toString('base64')}`,
  METRICS_TOKEN: 'bearer-of-the-monitoring',
  ...Object.fromEntries(['FACE', 'POPULATION_REGISTER', 'COMPANY_REGISTER', 'SMS'].map((name) => [`${name}_SECRET`, `${name}-${'s'.repeat(32)}`]))
}
const vendors = Object.fromEntries(['FACE', 'POPULATION_REGISTER', 'COMPANY_REGISTER', 'SMS'].flatMap((name) =>
  [[`${name}_URL`, 'https://vendor.example'], [`${name}_KEY_ID`, 'k1']]))
const rest = { NODE_ENV: 'production', ISSUER: 'https://sso.example.gov.cn', ...vendors }

function faultsOf (env: Record<string, string>, load: (env: Record<string, string>) => unknown = loadConfig): string[] {
  try {
    load(env)
    return []
  } catch (error) {
    return (error as ConfigError).faults
  }
}

t.test('every secret may stand in a file, and is the same as in the environment', async (t) => {
  t.same([...secretSettings].sort(), Object.keys(values).sort())
  const folder = t.testdir()
  const files = Object.fromEntries(secretSettings.map((name) => {
    const path = join(folder, name.toLowerCase())
    writeFileSync(path, `${values[name]}\n`)
    return [`${name}_FILE`, path]
  }))
  t.same(loadConfig({ ...rest, ...files }), loadConfig({ ...rest, ...values }))
  t.same(loadMigrationConfig(files), loadMigrationConfig(values))
  t.equal(loadMigrationConfig(files).databaseUrl, values['MIGRATION_DATABASE_URL'])

  // one fault for each file, never followed by "is not set"
  for (const name of secretSettings.filter((name) => name !== 'MIGRATION_DATABASE_URL')) {
    const { [name]: value = '', ...others } = values
    const broken = (path: string): string[] => faultsOf({ ...rest, ...others, [`${name}_FILE`]: path })
    const oneLine = new RegExp(`^${name}_FILE=`)
    t.match(broken(join(folder, 'nowhere')), [oneLine], `${name}: no such file`)
    t.match(broken(folder), [oneLine], `${name}: a folder`)
    writeFileSync(join(folder, 'empty'), ' \n')
    t.match(broken(join(folder, 'empty')), [oneLine], `${name}: an empty file`)
    for (const path of [join(folder, 'nowhere'), folder, join(folder, 'empty')]) t.equal(broken(path).length, 1, name)
    const both = faultsOf({ ...rest, ...values, [`${name}_FILE`]: files[`${name}_FILE`] ?? '' })
    t.match(both, [new RegExp(`^${name} and ${name}_FILE `)], `${name}: both`)
    t.equal(both.length, 1)
    t.notMatch(both.join(), value, 'no secret in a fault')
    t.same(faultsOf({ ...rest, ...values, [`${name}_FILE`]: '' }), [], `${name}: an empty path is none`)
  }
  t.same(faultsOf({ ...rest, ...values, ISSUER_FILE: '/nowhere' }), [], 'what is not secret has no file')
})

t.test('migration: the owner\'s address, else the application\'s, and nothing else is read', async (t) => {
  const [owner, application] = [values['MIGRATION_DATABASE_URL'] ?? '', values['DATABASE_URL'] ?? '']
  const load = (env: Record<string, string>): string | null => loadMigrationConfig(env).databaseUrl
  const others = { NODE_ENV: 'production', MASTER_KEY: 'x', PORT: 'x', FACE_SECRET_FILE: '/nowhere' }
  t.equal(load({ ...others, MIGRATION_DATABASE_URL: owner, DATABASE_URL: application }), owner)
  t.equal(load({ NODE_ENV: 'production', DATABASE_URL: application }), application)
  t.equal(load({ MIGRATION_DATABASE_URL: owner, DATABASE_URL_FILE: '/nowhere' }), owner, 'the other is not even read')
  t.equal(load({}), null, 'the embedded database')
  t.match(faultsOf({ NODE_ENV: 'production' }, loadMigrationConfig), [/^MIGRATION_DATABASE_URL is not set/])
  t.match(faultsOf({ MIGRATION_DATABASE_URL: 'mysql://x' }, loadMigrationConfig), [/postgres:\/\//])
  const unread = faultsOf({ NODE_ENV: 'production', MIGRATION_DATABASE_URL_FILE: '/nowhere' }, loadMigrationConfig)
  t.match(unread, [/^MIGRATION_DATABASE_URL_FILE=/])
  t.equal(unread.length, 1)
  const server = loadConfig({ ...rest, ...values, MIGRATION_DATABASE_URL: 'nonsense' })
  t.same(server, loadConfig({ ...rest, ...values }), 'the server does not look at it')
})

t.test('every setting of the list is read, and nothing else', async (t) => {
  const read = new Set<string>()
  const env = new Proxy<Record<string, string>>({}, {
    get (_, name) {
      read.add(String(name))
      return undefined
    }
  })
  loadConfig(env)
  loadConfig(new Proxy({ MTLS_CERT_HEADER: 'x', TRUSTED_PROXIES: '127.0.0.1' } as Record<string, string>, {
    get (target, name) {
      read.add(String(name))
      return target[String(name)]
    }
  }))
  const vendorsSet: Record<string, string> = { ...vendors }
  loadConfig(new Proxy({
    ...vendorsSet,
    ...Object.fromEntries(['FACE', 'POPULATION_REGISTER', 'COMPANY_REGISTER', 'SMS']
      .map((name) => [`${name}_SECRET`, 's'.repeat(32)]))
  } as Record<string, string>, {
    get (target, name) {
      read.add(String(name))
      return target[String(name)]
    }
  }))
  loadMigrationConfig(env)
  const names = Object.keys(settings) as SettingName[]
  const allowed = names.flatMap((name) => [name, `${name}_FILE`, settingsByName[name].formerly ?? name])
  t.same(names.filter((name) => !read.has(name)), [])
  t.same([...read].filter((name) => !allowed.includes(name)), [])
})

t.test('a former name is read with a warning, never beside the new one', async (t) => {
  const former = loadConfig({ PHONE_DOORS: 'app' })
  t.same(former.phoneChannels, { app: true, pages: false })
  t.match(former.warnings, [/^PHONE_DOORS .*PHONE_CHANNELS/])
  t.same(loadConfig({ PHONE_CHANNELS: 'app' }).warnings, [])
  t.same(loadConfig({ PHONE_CHANNELS: 'app' }).phoneChannels, former.phoneChannels)
  t.match(faultsOf({ PHONE_CHANNELS: 'app', PHONE_DOORS: 'app' }), [/^PHONE_CHANNELS and PHONE_DOORS /])
})

t.test('numbers outside of their bounds and words outside of their list are faults', async (t) => {
  for (const name of Object.keys(settings) as SettingName[]) {
    const { range, values } = settingsByName[name]
    const wrong = range === undefined ? [] : [String(range[0] - 1), String(range[1] + 1), '1.5', 'x']
    if (values !== undefined) wrong.push('x', ` ${values[0]}x`)
    for (const value of wrong) {
      // whatever else the value sets off, the setting itself is named first
      t.match(faultsOf({ [name]: value })[0], new RegExp(`^${name}=`), `${name}=${value}`)
    }
    for (const value of range ?? []) {
      t.notMatch(faultsOf({ [name]: String(value) }).join('\n'), new RegExp(`^${name}=`, 'm'), `${name}=${value}`)
    }
  }
})

t.test('S18: former master keys', async (t) => {
  const [a, b] = ['a', 'b'].map((fill) => Buffer.alloc(32, fill))
  const load = (previous: string, more: Record<string, string> = {}) =>
    loadConfig({ ...rest, ...values, ...more, MASTER_KEY_PREVIOUS: previous }).masterKeyPrevious
  t.same(load(''), {})
  t.same(load(`k0:${a!.toString('base64')}\n k-1:${b!.toString('base64')}`), { k0: a, 'k-1': b })
  for (const wrong of ['k0', 'k0:short', `${a!.toString('base64')}`, `k0 ${a!.toString('base64')}`]) {
    const faults = faultsOf({ ...rest, ...values, MASTER_KEY_PREVIOUS: wrong })
    t.match(faults[0], /^MASTER_KEY_PREVIOUS: entry 1/, 'the fault names the place')
    t.notMatch(faults.join(), a!.toString('base64'), 'and no key')
  }
  const twice = `k1:${a!.toString('base64')}`
  t.match(faultsOf({ ...rest, ...values, MASTER_KEY_PREVIOUS: twice }), [/the id k1 is there twice, or is MASTER_KEY_ID/])
  t.match(faultsOf({ ...rest, ...values, MASTER_KEY_COMMAND: 'cat key' }), [/MASTER_KEY and MASTER_KEY_COMMAND/])
  const { MASTER_KEY: _key, ...without } = values
  t.same(faultsOf({ ...rest, ...without, MASTER_KEY_COMMAND: 'cat key' }), [])
})
