import type { SmsBalance, SmsSender } from '../ports/sms.ts'

/** Seconds between two questions to the provider. */
const balanceSeconds = 60

/**
 * A sender whose provider is asked for its balance at most once a minute, because metrics and the console read it often
 * and the request costs the provider. If the provider fails, there is no balance (null).
 */
export function cacheBalance (sender: SmsSender, now: () => number = () => performance.now()): SmsSender {
  const question = sender.balance?.bind(sender)
  if (question === undefined) return sender
  let asked: { at: number; answer: Promise<SmsBalance | null> } | null = null
  return {
    send: async (message) => {
      await sender.send(message)
    },
    ...(sender.health === undefined ? {} : { health: sender.health.bind(sender) }),
    async balance () {
      if (asked === null || now() - asked.at >= balanceSeconds * 1000) {
        asked = { at: now(), answer: question().catch(() => null) }
      }
      return await asked.answer
    }
  }
}
