import { createServer } from 'node:http'
import { createServer as createPlainServer } from 'node:net'
import t from 'tap'
import { treeSeconds } from '../../bench/cpu.ts'
import { Connection } from '../../bench/load/connection.ts'
import { median } from '../../bench/measure.ts'
import { parseOptions } from '../../bench/options.ts'
import { notes, table } from '../../bench/report.ts'
import { flows } from '../../bench/flows.ts'
import { withNeed } from '../support/needs.ts'

t.test('median', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  t.ok(Number.isNaN(median([])))
})

t.test('options', async (t) => {
  const options = parseOptions(['--flows', 'sso,login', '--seconds', '0.5', '--json'])
  t.match(options, { flows: [{ name: 'sso' }, { name: 'login' }], seconds: 0.5, warm: 7, json: true })
  t.equal(parseOptions(['--help']), 'help')
  t.throws(() => parseOptions(['--flows', 'sso,tea']), /there is no "tea"/)
  t.throws(() => parseOptions(['--rounds', '0']), /--rounds must be from 1/)
  t.throws(() => parseOptions(['--seconds', 'x']), /--seconds must be/)
})

t.test('the report says what misses its goal and what spoils the measurement', async (t) => {
  const [flow] = flows
  if (flow === undefined) throw new Error('no flows')
  const side = { perSecond: 100, cpuMicros: 500, p50: 1, p99: 2, errors: 0, error: null, generatorShare: 0.05 }
  const kora = { ...side, databaseMicros: 50, requestsPerFlow: 1, queriesPerFlow: null }
  const result = { flow, kora, other: side, ratio: flow.goal }
  t.match(table([result]), /reached/)
  t.match(table([{ ...result, ratio: flow.goal - 0.01 }]), /MISSED/)
  t.equal(notes([result]).length, 2)
  t.match(
    notes([{ ...result, kora: { ...kora, generatorShare: 0.12 } }]).at(-1),
    /load generator took 12 % of the processor time at Kora/
  )
  t.match(
    notes([{ ...result, kora: { ...kora, errors: 3, error: '400 no' } }]).at(-1),
    /3 errors at Kora; the first: 400 no/
  )
  t.match(notes([{ ...result, kora: { ...kora, cpuMicros: null } }]).at(-1), /compares throughput/)
})

const found = process.platform === 'linux' ? '/proc' : null
await withNeed(t, { name: 'processor time of a process tree', found, lack: 'no /proc here' }, async (t) => {
  const before = treeSeconds([process.pid])
  const begun = process.cpuUsage()
  // six ticks of the kernel's clock, however long the machine takes to give them
  while (process.cpuUsage(begun).user + process.cpuUsage(begun).system < 60_000);
  const after = treeSeconds([process.pid])
  t.ok((after ?? 0) > (before ?? 0))
  t.equal(treeSeconds([2 ** 30]), null)
})

t.test('a connection reads answers in whatever pieces they come', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/pieces') {
      response.write('one ')
      setImmediate(() => response.end('two'))
    } else response.setHeader('x-kora', 'a').end('whole')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const connection = new Connection('127.0.0.1', port)
  t.teardown(() => {
    connection.close()
  })
  const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  t.match(await connection.send(get('/pieces')), { status: 200, body: 'one two' })
  t.match(await connection.send(get('/')), { status: 200, body: 'whole', head: /x-kora: a/ })
  t.match(await connection.send(get('/', 'Connection: close\r\n')), { status: 200, body: 'whole' })
  t.match(await connection.send(get('/')), { status: 200, body: 'whole' }, 'opened again')
})

t.test('a lost connection is an error, not a wait for ever', async (t) => {
  const server = createPlainServer((socket) => {
    socket.once('data', () => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.teardown(() => {
    server.close()
  })
  const connection = new Connection('127.0.0.1', (server.address() as { port: number }).port)
  await t.rejects(connection.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /closed before the answer/)
})
