/**
 * One keep-alive connection that sends HTTP/1.1 as prepared text and reads just enough of the answer:
 * status, head, body. A generator must cost far less than what it measures; an ordinary client costs
 * as much as a token (docs/decisions/0003-benchmark.md).
 */
import { connect, type Socket } from 'node:net'

export interface Answer {
  status: number
  head: string
  body: string
}

interface Waiting {
  resolve: (answer: Answer) => void
  reject: (error: Error) => void
}

export class Connection {
  readonly #host: string
  readonly #port: number
  #socket: Socket | null = null
  #waiting: Waiting | null = null
  #text = ''
  #bodyAt = -1
  #length = 0

  constructor (host: string, port: number) {
    this.#host = host
    this.#port = port
  }

  /** Sends one whole request; one at a time. Rejects when the connection is lost before the answer is complete. */
  send (request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#open().write(request, 'latin1')
    })
  }

  close (): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  #open (): Socket {
    if (this.#socket !== null) return this.#socket
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true })
    socket.on('data', (chunk) => {
      this.#take(chunk.toString('latin1'))
    })
    const lost = (error?: Error): void => {
      if (this.#socket !== socket) return
      this.#socket = null
      this.#finish((waiting) => {
        waiting.reject(error ?? new Error('connection closed before the answer'))
      })
    }
    socket.on('error', lost)
    socket.on('close', () => {
      lost()
    })
    this.#socket = socket
    return socket
  }

  #take (text: string): void {
    this.#text = this.#text === '' ? text : this.#text + text
    if (this.#bodyAt < 0) {
      const end = this.#text.indexOf('\r\n\r\n')
      if (end < 0) return
      this.#bodyAt = end + 4
      this.#length = bodyLength(this.#text, end)
    }
    if (this.#length < 0) {
      if (!this.#text.endsWith('0\r\n\r\n')) return
    } else if (this.#text.length < this.#bodyAt + this.#length) return
    const whole = this.#text
    const head = whole.slice(0, this.#bodyAt)
    const body = whole.slice(this.#bodyAt)
    const answer = { status: Number(head.slice(9, 12)), head, body: this.#length < 0 ? dechunk(body) : body }
    if (/\r\nconnection: close\r\n/i.test(head)) this.close()
    this.#finish((waiting) => {
      waiting.resolve(answer)
    })
  }

  #finish (tell: (waiting: Waiting) => void): void {
    const waiting = this.#waiting
    this.#waiting = null
    this.#text = ''
    this.#bodyAt = -1
    if (waiting !== null) tell(waiting)
  }
}

/** Bytes of the body; -1 = chunked. Servers under test answer GET and POST only, so no answer is without either. */
function bodyLength (text: string, end: number): number {
  const found = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))
  if (found !== null) return Number(found[1])
  return /\r\ntransfer-encoding: *chunked/i.test(text.slice(0, end)) ? -1 : 0
}

function dechunk (text: string): string {
  let body = ''
  for (let at = 0; ;) {
    const line = text.indexOf('\r\n', at)
    const size = parseInt(text.slice(at, line), 16)
    if (!(size > 0)) return body
    body += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
  }
}
