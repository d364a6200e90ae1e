/**
 * kora doctor: whether everything is in order, and what to do if it is not. Runs on this machine; changes nothing. Exit
 * code 1 when something fails. The checks are in doctor/ and answer with findings.
 */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ConfigError, loadConfig, type Config } from '../config.ts'
import {
  acceptFormerMacs,
  createConfiguredCrypto,
  DataDirInUse,
  openDatabase,
  type OpenDatabase
} from '../database/index.ts'
import { readArguments } from './arguments.ts'
import { checkDatabase } from './doctor/database.ts'
import { describeCause, fail, warn, type Finding } from './doctor/finding.ts'
import { checkCertificate, checkIssuer } from './doctor/issuer.ts'
import { checkMachine, checkSettings } from './doctor/machine.ts'
import { checkSites, checkVendors } from './doctor/outside.ts'
import { checkAudit, checkKeys, checkMasterKey, checkOutbox } from './doctor/service.ts'
import { reportProgress } from './progress.ts'
import { printLine } from './print.ts'

type Print = (line: string) => void
type Report = (findings: Finding | Finding[]) => void

export const command = {
  summary: 'is everything as it should be, and what to do where it is not',
  usage: `kora doctor [--json]

  With the settings of the server (the same environment), beside it or before its first start. Exit code 1: something fails.`,

  async runWithoutServices (
    args: string[],
    env: NodeJS.ProcessEnv = process.env,
    print: Print = printLine
  ): Promise<number> {
    let json = false
    try {
      json = readArguments(args, { options: { json: { type: 'boolean' } } }).values.json === true
    } catch (error) {
      console.error(`${(error as Error).message}\nUsage: ${this.usage}`)
      return 2
    }
    const findings: Finding[] = []
    const tell: Report = (found) => {
      for (const finding of [found].flat()) {
        findings.push(finding)
        // as they come: some take seconds
        if (!json) for (const line of lines(finding)) print(line)
      }
    }
    await examine(env, tell)
    const count = (status: Finding['status']): number => findings.filter((finding) => finding.status === status).length
    if (json) print(JSON.stringify({ ok: count('fail') === 0, findings }))
    else print(`\n${count('ok')} ok, ${count('warn')} to look at, ${count('fail')} failed`)
    return count('fail') === 0 ? 0 : 1
  },

  async run (args: string[]): Promise<number> {
    return await this.runWithoutServices(args)
  }
}

function lines ({ check, status, message, advice }: Finding): string[] {
  return [
    `${status.padEnd(4)}  ${check.padEnd(19)} ${message}`,
    ...(advice === undefined ? [] : [`${' '.repeat(26)}→ ${advice}`])
  ]
}

async function examine (env: NodeJS.ProcessEnv, tell: Report): Promise<void> {
  let config: Config
  try {
    config = loadConfig(env, availableParallelism())
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    tell(error.faults.map((text) => fail('settings', text, 'Kora does not start like this. See .env.example.')))
    return
  }
  tell(
    checkMachine(config, {
      version: process.versions.node,
      threads: env['UV_THREADPOOL_SIZE'],
      cpus: availableParallelism()
    })
  )
  tell(checkSettings(config))
  await attempt('issuer', tell, async () => {
    tell(await checkIssuer(config.issuer))
  })
  await attempt('certificate', tell, async () => {
    tell(await checkCertificate(config.issuer))
  })
  await attempt('vendors', tell, async () => {
    tell(await checkVendors(config))
  })
  const database = await opened(config, tell)
  if (database === null) return
  try {
    await examineData(config, database, tell)
  } finally {
    await database.close()
  }
}

async function examineData (config: Config, { db, kind }: OpenDatabase, tell: Report): Promise<void> {
  const found = await checkDatabase(db, kind, config)
  tell(found)
  const unusable = ['database', 'migrations', 'role']
  if (found.some(({ check, status }) => status === 'fail' && unusable.includes(check))) return
  const crypto = createConfiguredCrypto(config)
  const fits = await checkMasterKey(db, crypto)
  tell(fits)
  if (fits.status !== 'ok') return
  await acceptFormerMacs(db, crypto)
  await attempt('signing-keys', tell, async () => {
    tell(await checkKeys(db, crypto, { rotationDays: config.keyRotationDays, now: Date.now() }))
  })
  await attempt('audit', tell, async () => {
    tell(await checkAudit(db, crypto))
  })
  await attempt('outbox', tell, async () => {
    tell(await checkOutbox(db))
  })
  const progress = reportProgress('addresses')
  const demo =
    config.relyingSitePort === null
      ? []
      : [`localhost:${config.relyingSitePort}`, `127.0.0.1:${config.relyingSitePort}`]
  await attempt('sites', tell, async () => {
    tell(await checkSites(db, [...config.egressAllowed, ...(config.sandbox ? demo : [])], progress.at))
  })
  progress.end()
}

/** A check that breaks is a finding, not the end. */
async function attempt (check: string, tell: Report, work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    tell(
      fail(
        check,
        `could not be checked (${describeCause(error)})`,
        'Run it again; if it stays, LOG_LEVEL=debug says more.'
      )
    )
  })
}

async function opened (config: Config, tell: Report): Promise<OpenDatabase | null> {
  // opening would create them, and the doctor changes nothing
  if (
    config.masterKey === null &&
    config.masterKeyCommand === null &&
    !existsSync(join(config.dataDir, 'master.key'))
  ) {
    tell(
      warn(
        'database',
        `there is no master key in ${config.dataDir}: Kora has not been started with it yet, so what is in the database was not checked`,
        'The first start makes it, or set MASTER_KEY: npm start'
      )
    )
    return null
  }
  try {
    return await openDatabase({ databaseUrl: config.databaseUrl, dataDir: config.dataDir, poolSize: 2 })
  } catch (error) {
    tell(
      error instanceof DataDirInUse
        ? warn(
          'database',
          'the embedded database is in use by the running Kora, so what is in it was not checked',
          'Stop Kora to check it, or use PostgreSQL.'
        )
        : fail('database', `cannot be opened (${describeCause(error)})`, 'Look at DATA_DIR and DATABASE_URL.')
    )
    return null
  }
}
