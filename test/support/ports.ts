/**
 * Ports for tests. Most are chosen before anything listens on them, because the addresses of a Kora are settings. Until
 * then they are held by a UDP socket of the same number: the system gives that to one process only, and takes it back
 * when the process ends.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the range from which systems take ports for outgoing connections and for port 0. */
const [first, end] = [20_000, 32_000]

/** A port that nobody listens on, and that no other call of any process is given while this process runs. */
export async function freePort (): Promise<number> {
  for (;;) {
    const port = randomInt(first, end)
    if ((await isHeld(port)) && (await isFree(port))) return port
  }
}

async function isHeld (port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.unref()
  const bound = once(socket, 'listening').then(
    () => true,
    () => false
  )
  socket.bind({ port, address: '127.0.0.1', exclusive: true })
  return await bound
}

async function isFree (port: number): Promise<boolean> {
  const server = createServer()
  const listening = once(server, 'listening').then(
    () => true,
    () => false
  )
  server.listen(port, '127.0.0.1')
  if (!(await listening)) return false
  server.close()
  await once(server, 'close')
  return true
}
