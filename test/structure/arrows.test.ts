/**
 * The floors of the house (docs/architecture.md): which folder may import which, no circle of values, and no import
 * past the entry file of another room. The table reads from the top floor down.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'

const lowest = ['database', 'ports', 'domain']
const middle = ['oidc', 'http', 'records', 'tokens', ...lowest]

/** Each floor, and the floors that it may import. */
const floors: Record<string, readonly string[]> = {
  cli: ['app', 'runtime', 'simulators', 'journeys', 'adapters', ...middle],
  // main.ts, app.ts, config.ts, services.ts: the composition root
  app: ['runtime', 'simulators', 'journeys', 'adapters', ...middle],
  runtime: ['journeys', ...middle],
  simulators: ['journeys', ...middle],
  journeys: middle,
  oidc: ['http', 'records', 'tokens', ...lowest],
  http: lowest,
  records: ['tokens', ...lowest],
  tokens: lowest,
  adapters: ['ports', 'domain'],
  database: ['ports', 'domain'],
  ports: ['domain'],
  domain: []
}

/** Floors of rooms: folders that are entered through their index.ts (and deps.ts, which holds types only). */
const roomed = ['records', 'journeys']

interface Import {
  from: string
  to: string
  typeOnly: boolean
}

const root = new URL('../../', import.meta.url)

function filesBelow (folder: string): string[] {
  return readdirSync(new URL(folder, root)).flatMap((name) => {
    const path = `${folder}/${name}`
    if (statSync(new URL(path, root)).isDirectory()) return filesBelow(path)
    return name.endsWith('.ts') ? [path] : []
  })
}

function importsOf (from: string): Import[] {
  const text = readFileSync(new URL(from, root), 'utf8')
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?(?:([^'";]*?)\s*from\s+)?'(\.[^']+)'/gm)
  const dynamic = text.matchAll(/\bimport\(\s*'(\.[^']+)'\s*\)/g)
  const resolved = (path: string): string => posix.normalize(posix.join(posix.dirname(from), path))
  const isType = (name: string): boolean => name.trim() === '' || name.trim().startsWith('type ')
  return [
    ...[...statements].map(([, type, names = '', path = '']) => ({
      from,
      to: resolved(path),
      typeOnly: type !== undefined || (names.startsWith('{') && names.replace(/[{}]/g, '').split(',').every(isType))
    })),
    // what is imported at use closes no circle at start
    ...[...dynamic].map(([, path = '']) => ({ from, to: resolved(path), typeOnly: true }))
  ].filter(({ to }) => to.startsWith('src/') && to.endsWith('.ts'))
}

const floorOf = (path: string): string => {
  const [, second = ''] = path.split('/')
  return second.endsWith('.ts') ? 'app' : second
}

/** A room is one folder directly under records/ or journeys/; elsewhere the floor. */
const roomOf = (path: string): string => {
  const [, floor = '', room = ''] = path.split('/')
  return roomed.includes(floor) ? `src/${floor}/${room}` : `src/${floorOf(path)}`
}

const files = filesBelow('src')
const imports = files.flatMap(importsOf)
const arrows = (list: Import[]): string[] => list.map(({ from, to }) => `${from} → ${to}`)

t.test('every folder of src is a floor of the table', async (t) => {
  t.same([...new Set(files.map(floorOf))].sort(), Object.keys(floors).sort())
})

t.test('no import runs upward', async (t) => {
  const upward = imports.filter(({ from, to }) => {
    const [above, below] = [floorOf(from), floorOf(to)]
    return above !== below && floors[above]?.includes(below) !== true
  })
  t.same(arrows(upward), [])
})

t.test('a room is entered through its index.ts', async (t) => {
  const past = imports.filter(({ from, to }) => {
    const [, floor = ''] = to.split('/')
    if (!roomed.includes(floor) || roomOf(from) === roomOf(to)) return false
    return to !== `${roomOf(to)}/index.ts` && to !== `${roomOf(to)}/deps.ts`
  })
  t.same(arrows(past), [])
})

/** Groups of two or more names that reach each other (Tarjan's strongly connected components). */
function circles (next: Map<string, Set<string>>): string[][] {
  const order = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const found: string[][] = []
  const visit = (name: string): void => {
    low.set(name, order.size)
    order.set(name, order.size)
    stack.push(name)
    for (const other of next.get(name) ?? []) {
      if (!order.has(other)) visit(other)
      if (stack.includes(other)) low.set(name, Math.min(low.get(name) ?? 0, low.get(other) ?? 0))
    }
    if (low.get(name) !== order.get(name)) return
    const group = stack.splice(stack.indexOf(name))
    if (group.length > 1) found.push(group.sort())
  }
  for (const name of next.keys()) if (!order.has(name)) visit(name)
  return found
}

function graphBy (nameOf: (path: string) => string): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>()
  for (const { from, to, typeOnly } of imports) {
    if (typeOnly || nameOf(from) === nameOf(to)) continue
    graph.set(nameOf(from), (graph.get(nameOf(from)) ?? new Set()).add(nameOf(to)))
  }
  return graph
}

t.test('no circle of values between files', async (t) => {
  t.same(circles(graphBy((path) => path)), [])
})

t.test('no circle of values between rooms', async (t) => {
  t.same(circles(graphBy(roomOf)), [])
})
