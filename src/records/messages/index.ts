/**
 * Messages to people, in the inbox of the user center and by short message. Owns the tables message and notice.
 *
 * `notify` writes the message and the outbox row of its short message in the transaction of the act that it reports.
 * Bodies are encrypted. Texts are made where they are shown, from kind and data.
 */
export { notify, type Notice } from './notify.ts'
export { createMessages, type Message, type Messages } from './inbox.ts'
export {
  messageKinds,
  messageTopics,
  selectTopic,
  type MessageData,
  type MessageKind,
  type MessageTopic,
  shortText
} from './kinds.ts'
export { smsByAge, smsHandler, smsTopic, type SmsOrder } from './sms.ts'
export {
  cancelNotice,
  checkNoticeTexts,
  countReceivers,
  draftNotice,
  findNotice,
  listNotices,
  noticeAudiences,
  noticeHandler,
  noticeLanguages,
  noticeLimits,
  noticeTexts,
  noticeTopic,
  startNotice,
  type NoticeAudience,
  type NoticeFault,
  type NoticeInput,
  type NoticeLanguage,
  type NoticeTexts,
  type StoredNotice
} from './notices.ts'
