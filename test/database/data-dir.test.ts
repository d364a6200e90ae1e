import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openAsBlob, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openDatabase } from '../../src/database/connection.ts'
import { lockDataDir } from '../../src/database/data-dir-lock.ts'
import { DataDirInUse, DataDirUnwritable } from '../../src/database/errors.ts'
import { ensureSnapshot } from '../support/snapshot.ts'

/** A process of its own that runs `code` and stays; resolves once it has printed `ready`. */
async function otherProcess (t: Test, code: string): Promise<{ pid: number; kill(): Promise<void> }> {
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', `${code}\nconsole.log('ready'); setInterval(() => {}, 1e6)`],
    { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] }
  )
  const ended = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
  }
  t.teardown(kill)
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error('ended early')
    })
  ])
  return { pid: child.pid as number, kill }
}

const locking = (dataDir: string): string => `
  import { lockDataDir } from '../../src/database/data-dir-lock.ts'
  globalThis.unlock = lockDataDir(${JSON.stringify(dataDir)})`

t.test('a live process keeps the folder, a killed one does not', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const other = await otherProcess(t, locking(dataDir))
  try {
    lockDataDir(dataDir)
    t.fail('must be refused')
  } catch (error) {
    t.type(error, DataDirInUse)
    const { message } = error as Error
    t.match(message, `process ${other.pid}`, 'names the process')
    t.notMatch(message, '\n', 'in one line')
  }
  await t.rejects(openDatabase({ databaseUrl: null, dataDir, poolSize: 1 }), DataDirInUse)
  t.notOk(existsSync(join(dataDir, 'pglite')), 'a refused process touches nothing')

  await other.kill()
  const unlock = lockDataDir(dataDir)
  t.throws(() => lockDataDir(dataDir), DataDirInUse, 'also within one process')
  unlock()
  unlock()
  t.notOk(existsSync(join(dataDir, 'kora.pid')))
  lockDataDir(dataDir)()
})

t.test('of many processes that start at once after a crash exactly one gets the folder', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  await (await otherProcess(t, locking(dataDir))).kill()
  const contend = `
    import { lockDataDir } from '../../src/database/data-dir-lock.ts'
    try { globalThis.unlock = lockDataDir(${JSON.stringify(dataDir)}); process.send('won') } catch (error) { process.send(error.name) }
    setInterval(() => {}, 1e6)`
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', contend], {
        cwd: import.meta.dirname,
        stdio: ['ignore', 'inherit', 'inherit', 'ipc']
      })
      t.teardown(() => child.kill('SIGKILL'))
      return (await once(child, 'message'))[0] as string
    })
  )
  t.strictSame(outcomes.sort(), ['DataDirInUse', 'DataDirInUse', 'DataDirInUse', 'won'])
})

t.test('a folder that cannot be used is named in one line', async (t) => {
  const file = join(t.testdir(), 'file')
  writeFileSync(file, '')
  for (const dataDir of [file, join(file, 'data')]) {
    const error = await openDatabase({ databaseUrl: null, dataDir, poolSize: 1 }).catch((error: unknown) => error)
    t.type(error, DataDirUnwritable)
    t.match((error as Error).message, dataDir)
    t.notMatch((error as Error).message, '\n')
  }
})

t.test('the embedded database keeps its rows through kill -9', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const snapshot = await ensureSnapshot()
  const other = await otherProcess(
    t,
    `
    import { openAsBlob } from 'node:fs'
    import { openDatabase } from '../../src/database/connection.ts'
    const { db } = await openDatabase({ databaseUrl: null, dataDir: ${JSON.stringify(dataDir)}, poolSize: 1, snapshot: await openAsBlob(${JSON.stringify(snapshot)}) })
    await db.insertInto('serverSecret').values({ name: 'kept', valueEnc: 'x' }).execute()`
  )
  await other.kill()

  const steps: string[] = []
  const first = await openDatabase({ databaseUrl: null, dataDir, poolSize: 1, onProgress: (step) => steps.push(step) })
  t.strictSame(steps, ['opening', 'ready'])
  t.equal(first.kind, 'pglite')
  t.equal((await first.db.selectFrom('serverSecret').selectAll().execute()).length, 1)
  t.equal(statSync(dataDir).mode & 0o777, 0o700)
  await first.close()
  await first.close()

  // as if the very first start had been interrupted
  writeFileSync(join(dataDir, 'pglite.unfinished'), '')
  steps.length = 0
  const again = await openDatabase({
    databaseUrl: null,
    dataDir,
    poolSize: 1,
    onProgress: (step) => steps.push(step),
    snapshot: await openAsBlob(snapshot)
  })
  t.strictSame(steps, ['initialising', 'ready'])
  t.strictSame(await again.db.selectFrom('serverSecret').selectAll().execute(), [], 'half a database is begun again')
  t.notOk(existsSync(join(dataDir, 'pglite.unfinished')))
  await again.close()
  lockDataDir(dataDir)()
})
