import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DataDirUnwritable } from '../../src/database/errors.ts'
import { loadMasterKey } from '../../src/database/master-key.ts'

const config = (dataDir: string) =>
  ({ environment: 'development', dataDir, masterKey: null, masterKeyId: 'k1' }) as const

t.test('development makes its key once and keeps it to its user', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const first = loadMasterKey(config(dataDir))
  t.equal(first.key.length, 32)
  t.equal(first.keyId, 'k1')
  t.strictSame(loadMasterKey(config(dataDir)), first)
  t.equal(statSync(join(dataDir, 'master.key')).mode & 0o777, 0o600)
  t.strictSame(readdirSync(dataDir), ['master.key'], 'no drafts left behind')
  t.notSame(loadMasterKey(config(join(t.testdirName, 'other'))).key, first.key)
})

t.test('a configured key wins and leaves no file', async (t) => {
  const masterKey = Buffer.alloc(32, 7)
  const dataDir = join(t.testdir(), 'data')
  t.strictSame(loadMasterKey({ environment: 'production', dataDir, masterKey, masterKeyId: 'k9' }), {
    key: masterKey,
    keyId: 'k9'
  })
  t.throws(() => statSync(dataDir), { code: 'ENOENT' })
})

t.test('production never makes a key', async (t) => {
  t.throws(() => loadMasterKey({ ...config(t.testdir()), environment: 'production' }), /MASTER_KEY/)
})

t.test('a damaged key file is not replaced', async (t) => {
  const dataDir = t.testdir({ 'master.key': 'c2hvcnQ=\n' })
  t.throws(() => loadMasterKey(config(dataDir)), /32 bytes/)
})

t.test('an unusable folder is named', async (t) => {
  const file = join(t.testdir(), 'file')
  writeFileSync(file, '')
  t.throws(() => loadMasterKey(config(join(file, 'data'))), DataDirUnwritable)
})

t.test('S18: a command prints the key', async (t) => {
  const key = Buffer.alloc(32, 'command')
  const load = (masterKeyCommand: string): Buffer =>
    loadMasterKey({ ...config(t.testdir()), environment: 'production', masterKeyCommand }).key
  t.same(load(`echo ${key.toString('base64')}`), key)
  t.throws(() => load('exit 3'), /MASTER_KEY_COMMAND ended with 3/)
  t.throws(() => load('echo short'), /32 bytes in base64/)
  t.throws(() => load('kill -9 $$'), /SIGKILL/)
})
