/** The level of assurance that a login must reach. */
import type { ClientPolicy } from '../client/policy.ts'
import { acrValues, levelOfAcr, type Level } from '../identity/assurance.ts'

interface ClaimsRequest {
  id_token?: { acr?: { essential?: boolean; value?: string; values?: string[] } }
}

/**
 * What the client's minimum, `acr_values`, an essential `acr` claim (OIDC Core §5.5.1.1) and the APIs of the request
 * ask for together.
 */
export function requestedLevel (
  { minimumLevel }: Pick<ClientPolicy, 'minimumLevel'>,
  params: { acr_values?: unknown; claims?: unknown },
  apis: ReadonlyArray<{ minimumLevel: Level | null }> = []
): Level {
  const least = Math.max(minimumLevel, ...apis.map((api) => api.minimumLevel ?? 1)) as Level
  const level = raiseLevel(least, typeof params.acr_values === 'string' ? params.acr_values.split(' ') : [])
  const acr =
    typeof params.claims === 'string'
      ? (safeJson(params.claims) as ClaimsRequest | undefined)?.id_token?.acr
      : undefined
  if (acr?.essential !== true) return level
  const values = (Array.isArray(acr.values) ? acr.values : [acr.value]).filter((value): value is string =>
    acrValues.includes(value as string)
  )
  return raiseLevel(level, values)
}

/** A stronger login satisfies a weaker request. */
export const meetsLevel = (reached: Level, requested: Level): boolean => reached >= requested

/** `acr` values raise the level and never lower it. */
function raiseLevel (level: Level, acrs: readonly string[]): Level {
  const levels = acrs.map(levelOfAcr).filter((level): level is Level => level !== undefined)
  // several values are alternatives in order of preference: the least of them satisfies the request
  return levels.length === 0 ? level : (Math.max(level, Math.min(...levels)) as Level)
}

function safeJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
