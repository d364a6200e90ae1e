import { globSync, readFileSync } from 'node:fs'
import t from 'tap'
import { auditEvents, eventMeanings } from '../../../src/records/audit/index.ts'
import { eventTable } from '../../../src/records/audit/event-table.ts'

const root = new URL('../../../', import.meta.url)

t.test('every event that the code records is in the catalogue (T086)', async (t) => {
  const recorded = new Map<string, string>()
  for (const file of globSync('src/**/*.ts', { cwd: root.pathname })) {
    const text = readFileSync(new URL(file, root), 'utf8')
    // a name in a call of record, or chosen for one
    if (!/\.record(?:Single)?\(|AuditEventType|\brecord\w* ?\(/.test(text) || file.endsWith('audit/events.ts')) continue
    for (const match of text.matchAll(
      /\btype: (?:\w+ (?:===|!==) [^?]+\? )?'([a-z]+(?:-[a-z]+)*\.[a-z-]+)'(?: : '([a-z]+(?:-[a-z]+)*\.[a-z-]+)')?/g
    )) {
      for (const name of [match[1], match[2]]) if (name !== undefined) recorded.set(name, file)
    }
  }
  t.ok(recorded.size >= 60, `${recorded.size} names found`)
  for (const [name, file] of recorded) t.ok(Object.hasOwn(auditEvents, name), `${name} in ${file}`)
})

t.test('every event of the catalogue is recorded somewhere', async (t) => {
  // only files that write the trail; a name that is merely searched or counted does not make it true
  const files = globSync('src/**/*.ts', { cwd: root.pathname })
    .filter((file) => !/audit\/event[^/]*\.ts$/.test(file))
    .map((file) => readFileSync(new URL(file, root), 'utf8'))
  const writers = files.filter((text) => /\baudit\.record(?:Single)? ?\(/.test(text)).join('\n')
  // what a site of Kora's own hands to the relying-party kit, which records it
  const handed = files.flatMap((text) => [...text.matchAll(/\bevent: \{ type: '([^']+)'/g)].map(([, name]) => name))
  for (const name of Object.keys(auditEvents)) t.ok(writers.includes(`'${name}'`) || handed.includes(name), name)
})

t.test('each has a meaning in both languages, and the document is the catalogue', async (t) => {
  t.same(Object.keys(eventMeanings).sort(), Object.keys(auditEvents).sort())
  for (const [name, [zh, en]] of Object.entries(eventMeanings)) {
    t.ok(/\p{Script=Han}/u.test(zh) && /^[\x20-\x7e]+$/.test(en), name)
  }
  t.equal(
    new Set(Object.values(eventMeanings).map(([zh]) => zh)).size,
    Object.keys(eventMeanings).length,
    'no two mean the same'
  )
  t.equal(
    readFileSync(new URL('docs/audit-events.md', root), 'utf8'),
    eventTable(),
    'write it anew: node src/records/audit/event-table.ts'
  )
})
