/** What a process counts. Labels are route patterns, states and codes, never anything about a person. */
import type { Counter, Histogram, Registry } from 'prom-client'

/** Something is wrong that somebody on duty has to look at. */
export type AlarmCode =
  | 'audit_broken'
  /** A code was over before its short message could be sent. */
  | 'sms_late'
  /** Something that is not the provider of short messages answers in its place. */
  | 'sms_untrusted'

export interface Alarms {
  raise(code: AlarmCode): void
  end(code: AlarmCode): void
  raised(): AlarmCode[]
}

export interface Metrics {
  readonly registry: Registry
  /** Seconds. */
  readonly httpRequestDuration: Histogram<'route' | 'method' | 'status'>
  readonly dbQueriesPerRequest: Histogram<'route'>
  /** outcome: succeeded, failed, throttled, refused, busy; method: password, scan, session. */
  readonly logins: Counter<'outcome' | 'method'>
  /** outcome: passed, failed, unavailable, exhausted. */
  readonly faceChecks: Counter<'outcome'>
  /** state: each state that a scan ticket enters. */
  readonly scanTickets: Counter<'state'>
  /** outcome: delivered, retried, not_tried (the receiver failed a moment ago), expired (over before that), dead. */
  readonly outboxDeliveries: Counter<'topic' | 'outcome'>
  readonly auditSealed: Counter
  /** What this process knows to be wrong: `kora_alarm{code}` is 1. */
  readonly alarms: Alarms
}
