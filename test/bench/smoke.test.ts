import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { flows } from '../../bench/flows.ts'
import type { FlowResult } from '../../bench/measure.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

t.test('every flow of the benchmark runs against Kora and against the bare engine', async (t) => {
  const tiny = ['--seconds', '0.2', '--warm', '0', '--rounds', '1', '--connections', '2', '--json']
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['bench/run.ts', ...tiny], {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: process.env['TEST_DATABASE_URL'] ?? '' }
  })
  t.equal(stderr, '')
  const { results } = JSON.parse(stdout) as { results: FlowResult[] }
  t.same(
    results.map(({ flow }) => flow.name),
    flows.map(({ name }) => name)
  )
  for (const { flow, kora, other } of results) {
    t.equal(kora.errors + other.errors, 0, `${flow.name}: no errors`, { kora, other })
    t.ok(kora.perSecond > 0 && other.perSecond > 0, `${flow.name}: rates`)
    t.type(kora.queriesPerFlow, 'number', `${flow.name}: statements are counted`)
    if (process.platform === 'linux') {
      t.ok((kora.cpuMicros ?? NaN) >= 0 && (other.cpuMicros ?? NaN) >= 0, `${flow.name}: processor time`)
    }
  }
})
