/**
 * npm run test:repeat: the suite, or the files that are named, again and again until a round fails, to find what fails
 * by chance. Each round has a seed of its own for the properties; the seed of the round that failed repeats it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { readArguments } from '../../src/cli/arguments.ts'

const usage = `npm run test:repeat -- [--times 20] [--seed N] [--jobs N] [--keep-going] [<test file>…]

  --times        rounds; it ends with the first that fails
  --seed         of every round, instead of another one for each
  --keep-going   all rounds, whatever fails`

const options = {
  times: { type: 'string' },
  seed: { type: 'string' },
  jobs: { type: 'string' },
  'keep-going': { type: 'boolean' }
} as const

interface Round {
  seed: number
  passed: boolean
  seconds: number
}

async function main (args: string[]): Promise<number> {
  let read
  try {
    read = readArguments(args, { options, actions: {} })
  } catch (error) {
    return wrong((error as Error).message)
  }
  const {
    values: { times = '20', seed, jobs, 'keep-going': keepGoing = false },
    positionals: files
  } = read
  if (!/^[1-9]\d{0,5}$/.test(times)) return wrong(`--times "${times}" is not a number of rounds.`)
  if (seed !== undefined && !/^\d{1,10}$/.test(seed)) return wrong(`--seed "${seed}" is not a seed.`)
  if (jobs !== undefined && !/^[1-9]\d?$/.test(jobs)) {
    return wrong(`--jobs "${jobs}" is not a number of files at once.`)
  }

  const rounds: Round[] = []
  let running: ChildProcess | undefined
  let interrupted = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true
      running?.kill(signal)
    })
  }
  for (let number = 1; number <= Number(times); number++) {
    const own = seed === undefined ? randomInt(2 ** 31) : Number(seed)
    const begun = performance.now()
    const suite = spawn(
      process.execPath,
      [
        tap,
        'run',
        '--disable-coverage',
        '--reporter=tap',
        ...(jobs === undefined ? [] : [`--jobs=${jobs}`]),
        ...files
      ],
      {
        env: { ...process.env, TEST_SEED: String(own) },
        stdio: ['ignore', 'pipe', 'pipe']
      }
    )
    running = suite
    const output: string[] = []
    for (const stream of [suite.stdout, suite.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output.push(text)
      })
    }
    const [code] = (await once(suite, 'close')) as [number | null]
    if (interrupted) break
    const text = output.join('')
    // a run in which no file was begun ends with 0 as well
    const passed = code === 0 && /^ok /m.test(text) && !/^not ok /m.test(text)
    const round = { seed: own, passed, seconds: (performance.now() - begun) / 1000 }
    rounds.push(round)
    if (!round.passed) console.log(failuresIn(text))
    console.log(
      `round ${number} of ${times}: seed ${own}, ${round.passed ? 'passed' : 'FAILED'} in ${round.seconds.toFixed(1)} s`
    )
    if (!round.passed && !keepGoing) break
  }
  return sum(rounds, files)
}

/** The program itself, not the shell script in front of it: a signal must reach it. */
const tap = join(dirname(createRequire(import.meta.url).resolve('tap/package.json')), 'dist/esm/run.mjs')

function wrong (problem: string): number {
  console.error(`${problem}\nUsage: ${usage}`)
  return 2
}

/** What failed, with what stands indented below it. */
function failuresIn (output: string): string {
  const lines = output.split('\n')
  const kept = new Set<number>()
  for (const [at, line] of lines.entries()) {
    if (/^ *# Subtest/.test(line)) continue
    const [, indent] = /^( *)not ok /.exec(line) ?? []
    if (indent === undefined) continue
    kept.add(at)
    for (
      let next = at + 1;
      next < lines.length && (lines[next]?.startsWith(`${indent}  `) === true || lines[next]?.trim() === '');
      next++
    ) {
      kept.add(next)
    }
  }
  const failures = lines
    .filter((_, at) => kept.has(at))
    .join('\n')
    .trimEnd()
  return failures === '' ? output.slice(-5000) : failures
}

function sum (rounds: readonly Round[], files: readonly string[]): number {
  const failed = rounds.filter(({ passed }) => !passed)
  const seconds = rounds.reduce((total, round) => total + round.seconds, 0)
  console.log(
    `${rounds.length} rounds in ${seconds.toFixed(1)} s: ${rounds.length - failed.length} passed, ${failed.length} failed`
  )
  for (const { seed } of failed) {
    console.log(
      `the same values again: TEST_SEED=${seed} npm test${files.length === 0 ? '' : ` -- ${files.join(' ')}`}`
    )
  }
  return rounds.length > 0 && failed.length === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
