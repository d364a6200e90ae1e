/**
 * `npm run bench`: how fast Kora is, as a part of what the bare engine under it reaches on the same machine in the
 * same minutes. Starts everything it needs and leaves nothing behind. How to read it: docs/decisions/0003-benchmark.md.
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { startGenerator } from './load/index.ts'
import { measure, type FlowResult, type Sides } from './measure.ts'
import { parseOptions, usage, type Options } from './options.ts'
import { notes, table } from './report.ts'
import { startBare, startHashing } from './sides/bare.ts'
import { startKora } from './sides/kora.ts'

async function bench (options: Options): Promise<boolean> {
  const say = (text: string): void => {
    if (!options.json) console.log(text)
  }
  const closers: (() => Promise<void> | void)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  const interrupted = (): void => {
    close().finally(() => {
      process.exit(130)
    })
  }
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted)
  try {
    const kora = await startKora(process.env['DATABASE_URL'])
    closers.push(kora.stop)
    const bare = await startBare()
    closers.push(bare.stop)
    const hashing = options.flows.some(({ against }) => against === 'argon2 alone') ? await startHashing() : null
    if (hashing !== null) closers.push(hashing.stop)
    const generator = startGenerator()
    closers.push(generator.stop)
    const sides: Sides = { kora, bare, hashing, generator }

    const machine = {
      node: process.version,
      processor: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      loadBefore: loadavg()[0],
      database: kora.database
    }
    say(
      `Node.js ${machine.node}, ${machine.cores} × ${machine.processor}, load ${machine.loadBefore?.toFixed(1)}\n${machine.database}`
    )
    say(
      `${options.rounds} rounds of ${options.seconds} s for each side, ${options.connections} connections, warm-up ${options.warm} s${options.warm < 7 ? ' (less than 7 s reads too low)' : ''}\n`
    )
    const results: FlowResult[] = []
    for (const flow of options.flows) {
      const result = await measure(flow, sides, options)
      results.push(result)
      if (process.stderr.isTTY) console.error(`${flow.title}: ${Math.round(result.ratio * 100)} %`)
    }
    if (options.json) {
      console.log(
        JSON.stringify(
          { machine, options: { ...options, flows: options.flows.map(({ name }) => name) }, results },
          null,
          2
        )
      )
    } else console.log([table(results), '', ...notes(results)].join('\n'))
    return results.every(({ kora, other }) => kora.errors + other.errors === 0)
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await close()
  }
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options === 'help') console.log(usage)
  else if (!(await bench(options))) process.exitCode = 1
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
