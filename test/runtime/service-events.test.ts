import t from 'tap'
import { createAudit } from '../../src/records/audit/index.ts'
import { recordServiceEvent } from '../../src/runtime/service-events.ts'
import { eachDatabase } from '../support/database.ts'
import { createLogger } from '../../src/runtime/logging.ts'

eachDatabase(t, 'a process says that it began and that it ends, and needs no database for it', async (t, database) => {
  const lines: string[] = []
  const log = createLogger({ level: 'warn' }, { write: (line: string) => lines.push(line) })
  const deps = { db: database.db, audit: createAudit(database), log }
  await recordServiceEvent(deps, 'service.started')
  await recordServiceEvent(deps, 'service.stopped')
  const rows = await database.db.selectFrom('auditEvent').select(['type', 'actor', 'details']).orderBy('id').execute()
  t.match(rows, [
    { type: 'service.started', actor: 'system', details: { process: process.pid } },
    { type: 'service.stopped' }
  ])
  const away = {
    ...deps,
    audit: {
      ...deps.audit,
      recordSingle: async () => {
        throw new Error('away')
      }
    }
  }
  await recordServiceEvent(away, 'service.stopped')
  t.match(lines, [/service\.stopped/])
})
