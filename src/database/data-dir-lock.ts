import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DataDirInUse, DataDirUnwritable } from './errors.ts'

const sqliteBusy = 5

/**
 * Locks the data folder for this process, creates it if necessary, and returns the function that releases it. A second
 * process on the embedded database would silently lose rows.
 *
 * The lock belongs to the operating system, taken through SQLite on an empty file, because Node has no flock. The
 * kernel releases it in every way in which the process can end, so there is no stale lock and no race in taking one
 * over, and it works between containers that share the folder. `kora.pid` only says which process to look for.
 *
 * @throws DataDirInUse when another process has it, DataDirUnwritable when the folder cannot be used
 */
export function lockDataDir (dataDir: string): () => void {
  const pidFile = join(dataDir, 'kora.pid')
  let lock: DatabaseSync | undefined
  try {
    // 0700: the folder holds the development master key and every row
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    lock = new DatabaseSync(join(dataDir, 'kora.lock'), { timeout: 0 })
    lock.exec('begin exclusive')
    writeFileSync(pidFile, `process ${process.pid}, started ${new Date(performance.timeOrigin).toISOString()}\n`)
  } catch (error) {
    lock?.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy) throw new DataDirInUse(dataDir, holder(pidFile))
    throw new DataDirUnwritable(dataDir, error)
  }
  const held = lock
  return () => {
    if (!held.isOpen) return
    rmSync(pidFile, { force: true })
    held.close()
  }
}

function holder (pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8').trim()
  } catch {
    return 'another process'
  }
}
