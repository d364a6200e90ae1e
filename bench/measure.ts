/**
 * One flow on both sides: prepared, warmed up, then rounds in turn, so that whatever else the machine does hits both
 * alike.
 */
import type { Flow } from './flows.ts'
import type { Generator } from './load/index.ts'
import type { Round } from './load/generator.ts'
import type { Options } from './options.ts'
import type { BareSide, HashSide } from './sides/bare.ts'
import type { KoraSide } from './sides/kora.ts'

/** Medians over the rounds; processor time in microseconds per flow. */
export interface SideResult {
  perSecond: number
  cpuMicros: number | null
  p50: number
  p99: number
  errors: number
  error: string | null
  /** Part of all processor time that the load generator took; null where that is unknown or there was none. */
  generatorShare: number | null
}

export interface KoraResult extends SideResult {
  databaseMicros: number | null
  requestsPerFlow: number
  queriesPerFlow: number | null
}

export interface FlowResult {
  flow: Flow
  kora: KoraResult
  other: SideResult
  /** Kora's rate on one core as a part of the other's; of throughput where processor time is unknown. */
  ratio: number
}

export interface Sides {
  kora: KoraSide
  bare: BareSide
  hashing: HashSide | null
  generator: Generator
}

interface Sample {
  perSecond: number
  cpu: number | null
  p50: number
  p99: number
  errors: number
  error: string | null
  share: number | null
}
interface KoraSample extends Sample {
  database: number | null
  requests: number
  queries: number | null
}

export async function measure (flow: Flow, sides: Sides, options: Options): Promise<FlowResult> {
  const { generator } = sides
  // more than the hasher's queue holds would be refused, as it should be
  const connections = flow.name === 'login' ? Math.min(8, options.connections) : options.connections
  const hashing = flow.against === 'argon2 alone' ? sides.hashing : null
  await generator.prepare('kora', flow.name, sides.kora.target, connections)
  if (hashing === null) await generator.prepare('other', flow.name, sides.bare.target, connections)

  const milliseconds = options.seconds * 1000
  const other = async (): Promise<Sample> =>
    hashing === null ? await bareRound(sides, milliseconds) : await hashRound(hashing, milliseconds)
  if (options.warm > 0) {
    await generator.run('kora', options.warm * 1000)
    if (hashing === null) await generator.run('other', options.warm * 1000)
  }
  const koraSamples: KoraSample[] = []
  const otherSamples: Sample[] = []
  for (let round = 0; round < options.rounds; round++) {
    koraSamples.push(await koraRound(sides, milliseconds))
    otherSamples.push(await other())
  }
  await generator.forget('kora')
  if (hashing === null) await generator.forget('other')

  const kora: KoraResult = {
    ...summary(koraSamples),
    databaseMicros: micros(koraSamples.map(({ database }) => database)),
    requestsPerFlow: median(koraSamples.map(({ requests }) => requests)),
    queriesPerFlow: medianOrNull(koraSamples.map(({ queries }) => queries))
  }
  const compared = summary(otherSamples)
  return {
    flow,
    kora,
    other: compared,
    ratio:
      kora.cpuMicros !== null && compared.cpuMicros !== null
        ? compared.cpuMicros / kora.cpuMicros
        : kora.perSecond / compared.perSecond
  }
}

async function koraRound ({ kora, generator }: Sides, milliseconds: number): Promise<KoraSample> {
  const queriesBefore = await kora.queries()
  const before = kora.cpu()
  const round = await generator.run('kora', milliseconds)
  const after = kora.cpu()
  const queriesAfter = await kora.queries()
  const own = difference(before.own, after.own)
  const database = difference(before.database, after.database)
  const queries = difference(queriesBefore, queriesAfter)
  return {
    ...sample(round, own === null ? null : own + (database ?? 0)),
    database: database === null ? null : database / round.flows,
    requests: round.requests / round.flows,
    queries: queries === null ? null : queries / round.flows
  }
}

async function bareRound ({ bare, generator }: Sides, milliseconds: number): Promise<Sample> {
  const before = bare.cpu()
  const round = await generator.run('other', milliseconds)
  return sample(round, difference(before, bare.cpu()))
}

async function hashRound (hashing: HashSide, milliseconds: number): Promise<Sample> {
  const { hashes, seconds, cpuSeconds } = await hashing.run(milliseconds)
  return {
    perSecond: hashes / seconds,
    cpu: cpuSeconds / hashes,
    p50: NaN,
    p99: NaN,
    errors: 0,
    error: null,
    share: null
  }
}

function sample (round: Round, cpuSeconds: number | null): Sample {
  return {
    perSecond: round.flows / round.seconds,
    cpu: cpuSeconds === null ? null : cpuSeconds / round.flows,
    p50: round.p50,
    p99: round.p99,
    errors: round.errors,
    error: round.error,
    share: cpuSeconds === null ? null : round.cpuSeconds / (round.cpuSeconds + cpuSeconds)
  }
}

function summary (samples: Sample[]): SideResult {
  return {
    perSecond: median(samples.map(({ perSecond }) => perSecond)),
    cpuMicros: micros(samples.map(({ cpu }) => cpu)),
    p50: median(samples.map(({ p50 }) => p50)),
    p99: median(samples.map(({ p99 }) => p99)),
    errors: samples.reduce((sum, { errors }) => sum + errors, 0),
    error: samples.find(({ error }) => error !== null)?.error ?? null,
    generatorShare: medianOrNull(samples.map(({ share }) => share))
  }
}

const difference = (before: number | null, after: number | null): number | null =>
  before === null || after === null ? null : after - before

function micros (seconds: (number | null)[]): number | null {
  const value = medianOrNull(seconds)
  return value === null ? null : value * 1e6
}

function medianOrNull (values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length < values.length ? null : median(known)
}

/** The middle one; of two middle ones their mean. */
export function median (values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}
