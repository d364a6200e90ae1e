/**
 * Outbox: what must happen after a transaction (messages, back-channel logout). Owns the table outbox.
 *
 * A row is written in the caller's transaction and delivered by a worker of any process: at least once, so handlers
 * must be idempotent by `meta.messageId`. Payloads are encrypted, and erased after delivery.
 */
export { enqueue, type OutboxMessage } from './enqueue.ts'
export {
  backoffSeconds,
  createOutboxWorker,
  OutboxExpired,
  OutboxNotTried,
  OutboxPermanentError,
  OutboxUntrusted,
  type ByAge,
  type GivenUp,
  type OutboxWorker,
  type OutboxHandler,
  type OutboxMeta
} from './worker.ts'
export { markSuperseded as endUndelivered, sweepOutbox } from './repository.ts'
export { deadLetters, deadTopics, resendDead, type DeadLetter } from './dead-letters.ts'
