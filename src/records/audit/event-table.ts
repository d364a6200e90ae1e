import { eventMeanings } from './event-meanings.ts'
import { auditEvents, type AuditEventType } from './events.ts'

/** The text of docs/audit-events.md. Written again by: node src/records/audit/event-table.ts */
export function eventTable (): string {
  const rows = (Object.keys(auditEvents) as AuditEventType[]).map((type) => {
    const { about, by, outcome } = auditEvents[type]
    const [zh, en] = eventMeanings[type]
    return `| \`${type}\` | ${zh} | ${en} | ${about} | ${by} | ${outcome} |`
  })
  return `# Audit events · 审计事件

Every name that the audit trail may hold, made from \`src/records/audit/events.ts\`. A name is never given to something
else. *by* is who acts by nature; the event itself names the person, administrator, client or operator. *outcome* is the
usual one. Every name is recorded by this version. Beside these, each event has time (UTC, microseconds, of the
database), person, organization, delegation, capacity, client, login (as a hash), device, address, trace id, reason and details, as
far as they apply (GB/T 22239-2019 8.1.4.3: time, user, kind, success or not).

| event | 含义 | meaning | about | by | outcome |
|---|---|---|---|---|---|
${rows.join('\n')}
`
}

if (import.meta.main) {
  const { writeFileSync } = await import('node:fs')
  writeFileSync(new URL('../../../docs/audit-events.md', import.meta.url), eventTable())
}
