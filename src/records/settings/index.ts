/**
 * What administrators may change while the service runs: the maintenance notice, contacts, the name of the institution.
 * Owns the table setting. What is not set has the value of the configuration. Every process looks for changes every few
 * seconds; pages read the last known values and never wait for the database.
 */
import { sql, type Kysely, type Transaction } from 'kysely'
import { isUnsafeLine } from '../../domain/plain-text.ts'
import type { Database } from '../../database/schema.ts'
import { inTransaction } from '../../database/transaction.ts'
import type { Act } from '../../domain/administration/administration.ts'
import type { PeriodicTask } from '../../ports/periodic-task.ts'
import type { SettingsDeps } from './deps.ts'

export { readUnmaskingNeedsApproval, setUnmaskingNeedsApproval } from './unmask.ts'
export interface Texts {
  zh: string
  bo: string
  en: string
}
export interface Contact {
  hotline: string
  email: string
  hours: string
}

/** Values as pages show them. Empty text = not shown. */
export interface LiveSettings {
  maintenance: Texts
  brand: Texts
  contact: Contact
}
export type SettingName = keyof LiveSettings

export const settingNames = ['maintenance', 'brand', 'contact'] as const satisfies SettingName[]

export interface SettingRow<N extends SettingName = SettingName> {
  name: N
  value: LiveSettings[N]
  fallback: LiveSettings[N]
  /** 0 = never set. */
  version: number
  changedBy: string | null
  changedByName: string | null
  changedAt: Date | null
  reason: string | null
}

export type Faults = Array<{ field: string; code: string; details?: Record<string, number> }>
export type Saved = { ok: true } | { ok: false; code: 'invalid'; errors: Faults } | { ok: false; code: 'stale' }

export interface Settings {
  current(): LiveSettings
  /** As the database has them now, with who changed them last. */
  list(): Promise<SettingRow[]>
  /** `version`: the one that the change is based on; stale if there was another change meanwhile. */
  save(
    name: SettingName,
    change: { values: Record<string, string>; version: number; act: Act }
  ): Promise<Saved>
  load(): Promise<void>
  /** Reads them again every few seconds. */
  refresh: PeriodicTask
}

/** Seconds after which a change is seen by every process. */
export const settingsSeconds = 5

const emptyTexts: Texts = { zh: '', bo: '', en: '' }
const fieldLengths: Readonly<Record<SettingName, Record<string, number>>> = {
  maintenance: { zh: 200, bo: 400, en: 300 },
  brand: { zh: 40, bo: 120, en: 80 },
  contact: { hotline: 20, email: 80, hours: 60 }
}
const shapes: Readonly<Record<string, RegExp>> = {
  hotline: /^\+?[\d ()-]{3,20}$/,
  email: /^[\w.+-]+@[\w-]+(\.[\w-]+)+$/
}

/** The faults of the values, and the values in the form that is stored: trimmed, NFC, every field present. */
export function checkSetting (
  name: SettingName,
  values: Record<string, string>
): { value: Record<string, string>; errors: Faults } {
  const errors: Faults = []
  const value: Record<string, string> = {}
  for (const [field, max] of Object.entries(fieldLengths[name])) {
    const text = (values[field] ?? '').normalize('NFC').trim()
    value[field] = text
    if ([...text].length > max) errors.push({ field, code: 'too_long', details: { max } })
    // direction marks and their like would let a text pretend to be another
    else if (isUnsafeLine(text)) errors.push({ field, code: 'characters' })
    else if (text !== '' && shapes[field]?.test(text) === false) errors.push({ field, code: 'invalid' })
  }
  if (name === 'contact' && value['hotline'] === '') errors.push({ field: 'hotline', code: 'required' })
  // other languages are no substitute: without Chinese there is no notice
  if (name !== 'contact' && value['zh'] === '' && (value['bo'] !== '' || value['en'] !== '')) {
    errors.push({ field: 'zh', code: 'required' })
  }
  return { value, errors }
}

type Parts = Pick<SettingsDeps, 'db' | 'config' | 'audit'>
type Db = Kysely<Database> | Transaction<Database>

export function createSettings ({ db, config, audit }: Parts): Settings {
  const fallback: LiveSettings = Object.freeze({ maintenance: emptyTexts, brand: emptyTexts, contact: config.contact })
  let live = fallback

  const readValue = <N extends SettingName>(name: N, stored: unknown): LiveSettings[N] => {
    // written by an older version or by hand: an invalid value counts as not set
    const { value, errors } = checkSetting(
      name,
      typeof stored === 'object' && stored !== null
        ? (Object.fromEntries(Object.entries(stored).filter(([, text]) => typeof text === 'string')) as Record<
            string,
            string
          >)
        : {}
    )
    return errors.length > 0 ? fallback[name] : (value as unknown as LiveSettings[N])
  }
  const rows = async (from: Db): Promise<Array<{ name: string; value: unknown }>> =>
    await from.selectFrom('setting').select(['name', 'value']).execute()

  async function load (): Promise<void> {
    const next: LiveSettings = { ...fallback }
    for (const { name, value } of await rows(db)) {
      const known = settingNames.find((one) => one === name)
      if (known !== undefined) Object.assign(next, { [known]: readValue(known, value) })
    }
    live = Object.freeze(next)
  }

  return {
    current: () => live,
    load,
    refresh: {
      round: async () => {
        await load()
        return false
      },
      failed: 'settings could not be read',
      pauseMilliseconds: settingsSeconds * 1000
    },

    async list () {
      const stored = await db
        .selectFrom('setting')
        .leftJoin('adminAccount as account', (join) =>
          join.on(sql<boolean>`'admin:' || account.id = setting.changed_by`)
        )
        .select([
          'setting.name',
          'setting.value',
          'setting.version',
          'setting.changedBy',
          'setting.changedAt',
          'setting.reason',
          'account.displayName'
        ])
        .execute()
      return settingNames.map((name) => {
        const row = stored.find((one) => one.name === name)
        return {
          name,
          value: row === undefined ? fallback[name] : readValue(name, row.value),
          fallback: fallback[name],
          version: row?.version ?? 0,
          changedBy: row?.changedBy ?? null,
          changedByName: row?.displayName ?? row?.changedBy ?? null,
          changedAt: row?.changedAt ?? null,
          reason: row?.reason ?? null
        }
      })
    },

    async save (name, { values, version, act }) {
      const { value, errors } = checkSetting(name, values)
      if (errors.length > 0) return { ok: false, code: 'invalid', errors }
      const saved = await inTransaction(db, async (trx) => {
        const kept = {
          value: JSON.stringify(value),
          changedBy: act.actor,
          reason: act.reason,
          changedAt: sql<Date>`now()`
        }
        const row =
          version === 0
            ? await trx
              .insertInto('setting')
              .values({ name, ...kept })
              .onConflict((conflict) => conflict.column('name').doNothing())
              .returning('version')
              .executeTakeFirst()
            : await trx
              .updateTable('setting')
              .set({ ...kept, version: version + 1 })
              .where('name', '=', name)
              .where('version', '=', version)
              .returning('version')
              .executeTakeFirst()
        if (row === undefined) return false
        await audit.record(trx, {
          type: 'setting.changed',
          ...act,
          details: { name, version: row.version, ...value }
        })
        return true
      })
      if (!saved) return { ok: false, code: 'stale' }
      await load()
      return { ok: true }
    }
  }
}
