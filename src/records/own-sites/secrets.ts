/** Secrets that a browser holds, and what is stored of them. */
import { createHash } from 'node:crypto'
import { newIdentifier } from '../../domain/identifier.ts'

export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('base64url')
export const createSecret = (): string => newIdentifier(32)
