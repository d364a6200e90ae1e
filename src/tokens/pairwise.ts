/** Pairwise subject identifiers (OIDC Core §8.1): one per person and sector, not linkable between sectors. */
import { createHmac, type KeyObject } from 'node:crypto'

/** Sector: sector_identifier_uri's host, else the host of the only redirect URI host (the library enforces one). */
export function pairwiseSubject (key: KeyObject, sub: string, client: unknown): string {
  return createHmac('sha256', key)
    .update(`${(client as { sectorIdentifier?: string }).sectorIdentifier ?? ''}\n${sub}`)
    .digest('base64url')
}
