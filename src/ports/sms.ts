/** Short messages to mainland mobiles. */
export interface SmsMessage {
  /** E.164, +86… */
  phone: string
  /** Template of the message; the text itself is the provider's registered template. */
  template: 'verification-code' | 'notice'
  parameters: Record<string, string>
  /** Our id of this message: a provider that sees it twice must not send twice. */
  messageId: string
}

export interface SmsSender {
  send (message: SmsMessage): Promise<void>
}
