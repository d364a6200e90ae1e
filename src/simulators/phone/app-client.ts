/**
 * The app on a simulated phone: calls the app API over HTTP as the native app does, every request with a
 * proof made by the device's own key (the scheme of DPoP, RFC 9449 §4.2, bound to the body as well).
 */
import { createHash, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { SignJWT } from 'jose'
import type { TranscriptStep } from '../sandbox/schemas.ts'
import type { PhoneKey } from './keys.ts'

export interface AppClientOptions {
  /** Public origin: what proofs are made for. */
  issuer: string
  /** Origin where this process really listens; the two differ behind a proxy and with a port of 0. */
  origin: () => string
  /** Milliseconds since the epoch. */
  now: () => number
}

export interface AppAnswer {
  status: number
  body: Record<string, unknown>
  transcript: TranscriptStep
}

export interface AppClient {
  /** Never throws for an answer of the API; throws when there is none. */
  send(call: AppCall): Promise<AppAnswer>
}

export interface AppCall {
  /** Name in the transcript. */
  step: string
  method: 'GET' | 'POST'
  key: PhoneKey
  path: string
  /** Null: a request without body. */
  body: Record<string, unknown> | null
  /** Of the scan; '' before there is one. */
  scanToken: string
  locale: string
}

const timeoutMs = 20_000

export function createAppClient ({ issuer, origin, now }: AppClientOptions): AppClient {
  return {
    async send ({ step, method, key, path, body, scanToken, locale }) {
      const text = body === null ? '' : JSON.stringify(body)
      const { status, text: received } = await sendTo(`${origin()}${path}`, {
        method,
        headers: {
          // this process answers under its public name only
          host: new URL(issuer).host,
          ...(body === null ? {} : { 'content-type': 'application/json' }),
          ...(scanToken === '' ? {} : { 'scan-token': scanToken }),
          accept: 'application/json',
          'accept-language': locale,
          'user-agent': 'KoraSandboxPhone/1 (Linux; Android 15; Sandbox) Mobile',
          dpop: await makeProof(key, { method, url: `${issuer}${path}`, body: text, now: now() })
        },
        body: text
      })
      const answer = readJson(received)
      return {
        status,
        body: answer,
        transcript: { step, request: { method, path, body }, status, response: withoutSecrets(answer) }
      }
    }
  }
}

/** One request. `fetch` does not let a caller choose the Host header. */
async function sendTo (
  url: string,
  { method, headers, body }: { method: string; headers: Record<string, string>; body: string }
): Promise<{ status: number; text: string }> {
  return await new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** The proof of one request. `now` in milliseconds. */
async function makeProof (
  key: PhoneKey,
  about: { method: string; url: string; body: string; now: number }
): Promise<string> {
  return await new SignJWT({
    htm: about.method,
    htu: about.url,
    jti: randomUUID(),
    bdh: createHash('sha256').update(about.body).digest('base64url')
  })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: key.publicJwk })
    .setIssuedAt(Math.floor(about.now / 1000))
    .sign(key.privateKey)
}

function readJson (text: string): Record<string, unknown> {
  try {
    const value: unknown = text === '' ? {} : JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : { value }
  } catch {
    return { unreadable: text.slice(0, 500) }
  }
}

/** A transcript is for reading and showing around: the token that belongs to the device is left out. */
function withoutSecrets (body: Record<string, unknown>): Record<string, unknown> {
  return 'scan_token' in body ? { ...body, scan_token: '…' } : body
}
