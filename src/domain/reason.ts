/** The words in which somebody says why they act: as they are stored, in trails, histories and messages. */
import { DomainError } from './errors.ts'

/** As it is stored, '' when nothing is left: PostgreSQL text holds neither NUL nor lone surrogates. */
export const cleanReason = (reason: string): string =>
  reason.replaceAll('\0', '').toWellFormed().trim().slice(0, 200).toWellFormed()

/** @throws DomainError `reason_required` */
export function requireReason (reason: string): string {
  const words = cleanReason(reason)
  if (words === '') throw new DomainError('reason_required')
  return words
}
