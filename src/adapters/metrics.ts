/** The counters of one process, kept by prom-client. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AlarmCode, Alarms, Metrics } from '../ports/metrics.ts'

/** @param options defaults: event loop, memory and collector figures of Node.js (left out in most tests) */
export function createMetrics (options: { defaults?: boolean } = {}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  if (options.defaults ?? true) collectDefaultMetrics({ register: registry })
  return {
    registry,
    httpRequestDuration: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Duration of answered requests',
      labelNames: ['route', 'method', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers
    }),
    dbQueriesPerRequest: new Histogram({
      name: 'db_queries_per_request',
      help: 'Statements sent to the database by one request',
      labelNames: ['route'],
      buckets: [0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 40],
      registers
    }),
    logins: new Counter({
      name: 'logins_total',
      help: 'Login steps by outcome',
      labelNames: ['outcome', 'method'],
      registers
    }),
    faceChecks: new Counter({
      name: 'face_checks_total',
      help: 'Face checks by outcome',
      labelNames: ['outcome'],
      registers
    }),
    scanTickets: new Counter({
      name: 'scan_tickets_total',
      help: 'Scan tickets by state entered',
      labelNames: ['state'],
      registers
    }),
    outboxDeliveries: new Counter({
      name: 'outbox_deliveries_total',
      help: 'Outbox deliveries by outcome',
      labelNames: ['topic', 'outcome'],
      registers
    }),
    auditSealed: new Counter({ name: 'audit_sealed_total', help: 'Audit events chained by this process', registers }),
    alarms: createAlarms(registers)
  }
}

function createAlarms (registers: Registry[]): Alarms {
  const gauge = new Gauge({ name: 'kora_alarm', help: '1 while this is wrong', labelNames: ['code'], registers })
  const raised = new Set<AlarmCode>()
  return {
    raise (code) {
      raised.add(code)
      gauge.set({ code }, 1)
    },
    end (code) {
      if (raised.delete(code)) gauge.set({ code }, 0)
    },
    raised: () => [...raised]
  }
}
