/** Notifies the caller that a transaction has changed: signed, once, best effort, and without the outcome. */
import { signNotification } from './signature.ts'
import type { Transaction } from './transactions.ts'

const timeoutMs = 2000

export interface Notifier {
  notify(transaction: Transaction): void
  /** Resolves when nothing is under way any more. */
  settled(): Promise<void>
}

export function createNotifier (now: () => number): Notifier {
  const underway = new Set<Promise<void>>()
  return {
    notify (transaction) {
      if (transaction.notifyUrl === null) return
      const sent = post(transaction.notifyUrl, transaction, now).finally(() => {
        underway.delete(sent)
      })
      underway.add(sent)
    },
    async settled () {
      await Promise.all(underway)
    }
  }
}

async function post (url: string, transaction: Transaction, now: () => number): Promise<void> {
  const body = JSON.stringify({ transactionId: transaction.id, attemptId: transaction.attemptId })
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signNotification(transaction.key, body, now()) },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs)
    })
    await response.body?.cancel()
  } catch {
    // a hint that does not arrive is no loss: the caller asks by itself
  }
}
