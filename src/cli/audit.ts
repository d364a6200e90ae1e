/**
 * kora audit: verify the chain or an exported file, export a range, archive old events. Exit codes: 0 whole or done, 1
 * broken or refused, 2 wrong use.
 */
import { open, readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { JWK } from 'jose'
import { inTransaction } from '../database/transaction.ts'
import {
  exportAudit,
  rangeOfTime,
  verifyChain,
  verifyExport,
  type ChainFault,
  type Checkpoint,
  type ExportVerification,
  type Verification
} from '../records/audit/index.ts'
import type { RunningServices } from '../services.ts'
import { requireAct } from './actions.ts'
import { readArguments, WrongUse } from './arguments.ts'
import { archiveTo } from './audit-archive.ts'
import { readAct, actOptions, actUsage } from './operator.ts'
import { reportProgress, type Progress } from './progress.ts'
import { printLine } from './print.ts'

type Needs = Pick<RunningServices, 'db' | 'crypto' | 'audit' | 'config'>
type Values = Partial<
  Record<'from' | 'to' | 'checkpoint' | 'file' | 'jwks' | 'out' | 'before' | 'reason' | 'operator', string>
> & { json?: boolean }
type Print = (line: string) => void

const options = {
  json: { type: 'boolean' },
  from: { type: 'string' },
  to: { type: 'string' },
  checkpoint: { type: 'string' },
  file: { type: 'string' },
  jwks: { type: 'string' },
  out: { type: 'string' },
  before: { type: 'string' },
  ...actOptions
} as const

const usage = `kora audit verify [--from N] [--to N] [--checkpoint sequence:hash:mac] [--json]
       kora audit verify --file <export> [--jwks <key set: file or address>] [--json]   needs no database
       kora audit export [--from <N or date>] [--to <N or date>] [--out <file>] ${actUsage} [--json]
       kora audit archive --before <date> --out <file> ${actUsage} [--json]   at least 180 days ago

  kora audit verify --checkpoint "$(last checkpoint in the server log)"
  kora audit export --from 2026-06-01 --to 2026-07-01 --out june.jsonl --reason "inspection 2026/3"`

export const command = {
  summary: 'audit trail: verify, export, archive',
  usage,

  /** What needs neither database nor key: null when the services are needed. */
  async runWithoutServices (args: string[], print: Print = printLine): Promise<number | null> {
    return await guarded(async () => {
      const { action, values } = parsed(args)
      return action === 'verify' && values.file !== undefined ? await verifyFile(values, print) : null
    })
  },

  async run (args: string[], deps: Needs, print: Print = printLine): Promise<number> {
    return (
      (await guarded(async () => {
        const { action, values } = parsed(args)
        const progress = reportProgress('events')
        try {
          if (action === 'verify') return await verify(values, deps, { print, progress })
          if (action === 'export') return await exportRange(values, deps, { print, progress })
          return await archive(values, deps, { print, progress })
        } finally {
          progress.end()
        }
      })) ?? 2
    )
  }
}

async function guarded<T> (work: () => Promise<T>): Promise<T | number> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error
    console.error(`${error.message}\nUsage: ${usage}`)
    return 2
  }
}

function parsed (args: string[]): { action: string; values: Values } {
  const {
    values,
    positionals: [action = 'verify', ...more]
  } = readArguments(args, { options, actions: { verify: 0, export: 0, archive: 0 } })
  if (!['verify', 'export', 'archive'].includes(action) || more.length > 0) {
    throw new WrongUse(`Unknown: ${[action, ...more].join(' ')}`)
  }
  return { action, values }
}

function sequence (name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined
  if (!/^[1-9]\d{0,14}$/.test(value)) throw new WrongUse(`--${name}: "${value}" is no sequence number.`)
  return Number(value)
}

function date (name: string, value: string): Date {
  // a day is the day of the service: Asia/Shanghai
  const time = new Date(/^\d{4}-\d{2}-\d{2}$/.test(value) ? `${value}T00:00:00+08:00` : value)
  if (!/^\d{4}-/.test(value) || Number.isNaN(time.getTime())) {
    throw new WrongUse(`--${name}: "${value}" is no date. Example: 2026-06-01`)
  }
  return time
}

function readCheckpoint (value: string | undefined): { checkpoint?: Checkpoint } {
  if (value === undefined) return {}
  const match = /^(\d{1,15}):([\w-]{43}):([\w-]{43})$/.exec(value)
  if (match === null) {
    throw new WrongUse('--checkpoint: sequence:hash:mac, as the server log has it (event audit.checkpoint).')
  }
  return { checkpoint: { sequence: Number(match[1]), hash: match[2]!, mac: match[3]! } }
}

async function verify (
  values: Values,
  { db, crypto }: Needs,
  { print, progress }: { print: Print; progress: Progress }
): Promise<number> {
  const [from, to] = [sequence('from', values.from), sequence('to', values.to)]
  const result = await verifyChain(db, crypto, {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...readCheckpoint(values.checkpoint),
    onProgress: progress.at
  })
  print(values.json === true ? JSON.stringify(result) : chainSentence(result))
  return result.ok ? 0 : 1
}

function chainSentence (result: Verification): string {
  const range = `${result.checked} events, sequence ${result.from} to ${result.to}`
  const waiting =
    `${result.unsealed} not sealed yet` +
    (result.unsealed > 0 ? `, the oldest for ${result.oldestUnsealedSeconds} s` : '')
  const outside =
    result.checkpoint === 'given'
      ? ''
      : '\nNo checkpoint was given. A database that was set back as a whole is found only with one from the server ' +
        'log: --checkpoint sequence:hash:mac'
  if (result.ok) return `audit chain is whole: ${range}; ${waiting}${outside}`
  const more = result.faultCount - result.faults.length
  return [
    `audit chain is broken: ${result.faultCount} ${result.faultCount === 1 ? 'fault' : 'faults'} in ${range}; ${waiting}`,
    ...result.faults.map((fault) => `  ${faultSentence(fault)}`),
    ...(more > 0 ? [`  and ${more} more`] : [])
  ].join('\n') + outside
}

function faultSentence ({ kind, sequence, id, otherSequence }: ChainFault): string {
  const place = sequence === 0
    ? '(not sealed)'
    : kind === 'missing' && otherSequence !== undefined &&
    otherSequence > sequence
      ? `${sequence} to ${otherSequence}`
      : String(sequence)
  return (
    `${kind} at sequence ${place}` +
    (id === null ? '' : `, event id ${id}`) +
    (kind === 'swapped' ? `, with sequence ${otherSequence}` : '')
  )
}

async function keysFrom (source: string | undefined): Promise<{ keys?: JWK[] }> {
  if (source === undefined) return {}
  try {
    const text = /^https?:\/\//.test(source)
      ? await (await fetch(source, { signal: AbortSignal.timeout(10_000) })).text()
      : await readFile(source, 'utf8')
    return { keys: (JSON.parse(text) as { keys: JWK[] }).keys }
  } catch (error) {
    throw new WrongUse(`--jwks: ${source} cannot be read as a key set (${(error as Error).message}).`)
  }
}

async function verifyFile (values: Values, print: Print): Promise<number> {
  const keys = await keysFrom(values.jwks)
  const file = await open(values.file!).catch((error: unknown) => {
    throw new WrongUse(`--file: ${(error as Error).message}`)
  })
  const progress = reportProgress('events')
  try {
    const lines = createInterface({
      // of the handle, not of its number: closing waits for a read that is under way
      input: file.createReadStream({ autoClose: false }),
      crlfDelay: Infinity
    })
    const result = await verifyExport(lines, { ...keys, onProgress: progress.at })
    print(values.json === true ? JSON.stringify(result) : fileSentence(result))
    return result.ok ? 0 : 1
  } finally {
    progress.end()
    await file.close()
  }
}

function fileSentence (result: ExportVerification): string {
  if (result.ok) {
    const {
      events,
      trailer: { from, to, issuer, exportedAt },
      kid,
      signature
    } = result
    return (
      `file is whole: ${events} events, sequence ${from} to ${to}, exported ${exportedAt} by ${issuer}; ` +
      (signature === 'valid'
        ? `signature of key ${kid} is valid`
        : `signed by key ${kid}, NOT CHECKED: give --jwks ${issuer}/oidc/jwks`)
    )
  }
  const { kind, line, sequence } = result.fault
  return `file is broken: ${kind} at line ${line}${sequence === null ? '' : `, sequence ${sequence}`}; ${result.checked} events before it are whole`
}

async function exportRange (
  values: Values,
  deps: Needs,
  { print, progress }: { print: Print; progress: Progress }
): Promise<number> {
  const act = requireAct(values)
  const isTime = [values.from, values.to].some((value) => value?.includes('-') === true)
  const { db, crypto, audit, config } = deps
  const range = isTime
    ? await rangeOfTime(db, {
      ...(values.from !== undefined && { from: date('from', values.from) }),
      ...(values.to !== undefined && { to: date('to', values.to) })
    })
    : { from: sequence('from', values.from) ?? 1, to: sequence('to', values.to) ?? Number.MAX_SAFE_INTEGER }
  // recorded first: the actor who archives events is in the audit trail, also when the file is lost
  await inTransaction(db, async (trx) => {
    await audit.record(trx, {
      type: 'audit.exported',
      actor: act.actor,
      reason: act.reason,
      details: {
        from: range?.from ?? null,
        to: range === null || range.to === Number.MAX_SAFE_INTEGER ? null : range.to
      }
    })
  })
  const out = values.out === undefined ? null : await newFile(values.out)
  try {
    const write = async (text: string): Promise<void> => {
      if (out !== null) await out.write(text)
      else print(text.trimEnd())
    }
    const done =
      range === null
        ? null
        : await exportAudit({ db, crypto }, range, { issuer: config.issuer, write, onProgress: progress.at })
    await out?.sync()
    progress.end()
    const summary =
      done === null
        ? 'There is nothing in this range.'
        : `Exported ${done.events} events, sequence ${done.from} to ${done.to}.`
    if (out !== null && values.json === true) print(JSON.stringify(done ?? { events: 0 }))
    else if (out !== null) print(summary)
    else console.error(summary)
    return done === null ? 1 : 0
  } finally {
    await out?.close()
  }
}

async function newFile (path: string): Promise<Awaited<ReturnType<typeof open>>> {
  return await open(path, 'wx', 0o600).catch((error: unknown) => {
    throw new WrongUse(
      `--out: ${(error as { code?: string }).code === 'EEXIST' ? `${path} exists; nothing is overwritten` : (error as Error).message}`
    )
  })
}

async function archive (
  values: Values,
  deps: Needs,
  { print, progress }: { print: Print; progress: Progress }
): Promise<number> {
  const act = readAct(values)
  if (act === null || values.before === undefined || values.out === undefined) {
    throw new WrongUse('--before, --out and --reason are needed.')
  }
  const age = (Date.now() - date('before', values.before).getTime()) / 86_400_000
  const whole = Math.max(0, Math.floor(age))
  if (whole < 180) {
    print(
      values.json === true
        ? JSON.stringify({ error: 'too_young', days: whole })
        : `Refused: audit events are kept for at least 180 days; ${values.before} is ${whole} days ago.`
    )
    return 1
  }
  // rounded up: never an event younger than was asked for
  const days = Math.ceil(age)
  const out = await newFile(values.out)
  try {
    const { events, from, to } = await archiveTo(out, deps, { days, act, onProgress: progress.at })
    progress.end()
    print(
      values.json === true
        ? JSON.stringify({ events, from, to })
        : events === 0
          ? 'Archived nothing: no event is that old.'
          : `Archived ${events} events, sequence ${from} to ${to}; they are only in ${values.out} now.`
    )
    return 0
  } finally {
    await out.close()
  }
}
