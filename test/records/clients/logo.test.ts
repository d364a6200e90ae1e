import { crc32, deflateSync } from 'node:zlib'
import t from 'tap'
import fastify from 'fastify'
import jpeg from 'jpeg-js'
import { PNG } from 'pngjs'
import { write } from '../../../src/database/transaction.ts'
import { registerClientLogos } from '../../../src/journeys/pictures/index.ts'
import { storeLogo } from '../../../src/records/clients/index.ts'
import { maximumSmallBytes, remakePicture, smallPicture } from '../../../src/records/clients/picture.ts'
import { remakePictureSafely } from '../../../src/records/clients/remake-picture.ts'
import { eachDatabase } from '../../support/database.ts'
import { act, made, registryOn } from './support.ts'

const png = (width: number, height: number): Buffer => {
  const picture = new PNG({ width, height })
  for (let i = 0; i < picture.data.length; i += 4) picture.data.set([200, 30, 30, 255], i)
  return PNG.sync.write(picture)
}

t.test('S39 a picture that takes its decoder many seconds stops nobody else', async (t) => {
  /** A progressive JPEG (ISO/IEC 10918-1 G) of 2048 × 2048 whose scans say nothing, in 18 bytes each. */
  const segment = (marker: number, ...bytes: number[]): number[] => [0xff, marker, 0, bytes.length + 2, ...bytes]
  const counts = (codes: number): number[] => [codes, ...Array<number>(15).fill(0)]
  const scan = [...segment(0xda, 1, 1, 0, 1, 63, 0), 0, 0, 0, 0, 0, 0, 0, 0]
  const head = [
    0xff, 0xd8,
    ...segment(0xdb, 0, ...Array<number>(64).fill(1)),
    ...segment(0xc2, 8, 8, 0, 8, 0, 1, 1, 0x11, 0),
    ...segment(0xc4, 0x00, ...counts(1), 0),
    ...segment(0xc4, 0x10, ...counts(1), 0xe0)
  ]
  const file = Buffer.from([...head, ...Array.from({ length: 20_000 }, () => scan).flat(), 0xff, 0xd9])
  t.ok(file.length < 512 * 1024)
  let turns = 0
  const turn = (): void => {
    turns++
    next = setImmediate(turn)
  }
  let next = setImmediate(turn)
  t.same(await remakePictureSafely(file), { ok: false, fault: 'not_a_picture' })
  clearImmediate(next)
  t.ok(turns > 1000, `${turns} turns of the loop meanwhile`)
  // the next one is not the worse for it
  t.match(await remakePictureSafely(png(600, 300)), { ok: true, width: 256, height: 128 })
  const several = await Promise.all([png(9, 9), Buffer.from('no picture'), png(10, 10)].map(remakePictureSafely))
  t.match(several, [{ width: 9 }, { fault: 'not_a_picture' }, { width: 10 }])
})

t.test('only pixels survive', async (t) => {
  const script = Buffer.from('<script>alert(1)</script>')
  const made = remakePicture(png(600, 300))
  t.match(made, { ok: true, width: 256, height: 128 })
  if (!made.ok) return
  t.same([...PNG.sync.read(made.png).data.subarray(0, 4)], [200, 30, 30, 255])
  const photo = jpeg.encode({ width: 40, height: 20, data: Buffer.alloc(40 * 20 * 4, 128) }, 80).data
  t.match(remakePicture(photo), { ok: true, width: 40, height: 20 })
  const comment = remakePicture(
    Buffer.concat([
      photo.subarray(0, 2),
      Buffer.from([0xff, 0xfe, 0, script.length + 2]),
      script,
      photo.subarray(2),
      script
    ])
  )
  t.ok(comment.ok && !comment.png.includes('script'), 'a comment does not')
  const bomb = Buffer.from(png(1, 1))
  bomb.writeUInt32BE(60_000, 16)
  const cut = png(50, 50).subarray(0, 90)
  for (const [file, fault] of [
    [Buffer.alloc(0), 'empty'],
    [Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'not_a_picture'],
    [Buffer.from('GIF89a'), 'not_a_picture'],
    [bomb, 'too_many_pixels'],
    [cut, 'not_a_picture'],
    [Buffer.concat([png(9, 9), script]), 'not_a_picture'],
    [Buffer.alloc(512 * 1024 + 1), 'too_large'],
    [photo.subarray(0, 30), 'not_a_picture'],
    [Buffer.from([0xff, 0xd8, 0xff, 0xc0]), 'not_a_picture']
  ] as const) {
    t.match(remakePicture(file), { ok: false, fault })
  }
})

t.test('what a picture unpacks to is bounded by the size it was accepted for', async (t) => {
  const chunk = (type: string, data: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const made = Buffer.alloc(named.length + 8)
    made.writeUInt32BE(data.length, 0)
    named.copy(made, 4)
    made.writeUInt32BE(crc32(named), named.length + 4)
    return made
  }
  const header = (side: number, interlaced: boolean): Buffer => {
    const data = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 6, 0, 0, interlaced ? 1 : 0])
    data.writeUInt32BE(side, 0)
    data.writeUInt32BE(side, 4)
    return chunk('IHDR', data)
  }
  const file = (...chunks: Buffer[]): Buffer =>
    Buffer.concat([png(1, 1).subarray(0, 8), ...chunks, chunk('IEND', Buffer.alloc(0))])
  // one pixel, interlaced: one line of the first pass
  const pixel = Buffer.from([0, 1, 2, 3, 255])
  t.match(remakePicture(file(header(1, true), chunk('IDAT', deflateSync(pixel)))), { ok: true, width: 1, height: 1 })
  const zeros = deflateSync(Buffer.alloc(64 * 1024 * 1024))
  const before = process.resourceUsage().maxRSS
  t.match(remakePicture(file(header(1, true), chunk('IDAT', zeros))), { ok: false, fault: 'not_a_picture' })
  t.match(
    remakePicture(file(header(1, false), header(4000, false), chunk('IDAT', zeros))),
    { ok: false, fault: 'not_a_picture' },
    'the second header is the one that a decoder believes'
  )
  t.ok(process.resourceUsage().maxRSS - before < 32 * 1024, 'nothing large was unpacked')
})

t.test('the small one is light enough for the pages of a login, whatever was uploaded', async (t) => {
  t.match(PNG.sync.read(smallPicture(png(256, 128))), { width: 80, height: 40 }, 'a plain one keeps its size')
  t.match(PNG.sync.read(smallPicture(png(9, 9))), { width: 9, height: 9 })
  // the worst there is: noise in every channel, and noise that is half transparent
  const noise = new PNG({ width: 256, height: 256 })
  let state = 1
  for (let i = 0; i < noise.data.length; i++) {
    noise.data[i] = (state = (Math.imul(state, 1103515245) + 12345) >>> 0) >>> 16
  }
  const made = smallPicture(PNG.sync.write(noise))
  t.ok(made.length <= maximumSmallBytes, String(made.length))
  const tiny = new PNG({ width: 80, height: 80 })
  noise.data.copy(tiny.data)
  t.ok(smallPicture(PNG.sync.write(tiny)).length <= maximumSmallBytes)
  // a round mark of two colours with soft edges
  const mark = new PNG({ width: 256, height: 256 })
  for (let y = 0; y < 256; y++) {
    for (let x = 0; x < 256; x++) {
      const far = Math.hypot(x - 128, y - 128)
      mark.data.set(far < 60 ? [255, 255, 255, 255] : far < 120 ? [0, 102, 80, 255] : [0, 0, 0, 0], (y * 256 + x) * 4)
    }
  }
  const small = smallPicture(PNG.sync.write(mark))
  t.ok(small.length <= maximumSmallBytes)
  t.ok(PNG.sync.read(small).width >= 60, `${PNG.sync.read(small).width} pixels`)
})

eachDatabase(t, 'a logo is stored with its history and served locked up', async (t, database) => {
  const services = registryOn(database)
  await made(services, 'fund')
  const stored = await write(services, storeLogo, { act, clientId: 'fund', file: png(300, 300) })
  t.match(stored, { outcome: 'stored', client: { version: 2 } })
  if (stored.outcome !== 'stored') return
  t.equal(stored.client.policy.logo, stored.id)
  const app = fastify()
  registerClientLogos(app, services)
  const answer = await app.inject(`/client-logo/${stored.id}`)
  t.match(answer, {
    statusCode: 200,
    headers: {
      'content-type': 'image/png',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': /immutable/
    }
  })
  t.equal(PNG.sync.read(answer.rawPayload).width, 256)
  const small = await app.inject(`/client-logo/${stored.id}/small`)
  t.match(small, {
    statusCode: 200,
    headers: {
      'content-type': 'image/png',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': /immutable/
    }
  })
  t.equal(PNG.sync.read(small.rawPayload).width, 80)
  t.same((await app.inject(`/client-logo/${stored.id}/small`)).rawPayload, small.rawPayload)
  for (const id of ['logo_0000000000000000', 'logo_', `${stored.id}x`]) {
    t.equal((await app.inject(`/client-logo/${id}/small`)).statusCode, 404, id)
  }
  for (const id of ['logo_0000000000000000', '..%2f', 'logo_', `${stored.id}x`]) {
    t.equal((await app.inject(`/client-logo/${id}`)).statusCode, 404, id)
  }
  t.match(await write(services, storeLogo, {
    act,
    clientId: 'fund',
    file: Buffer.from('<svg/>')
  }), { outcome: 'not_a_picture' })
  t.match(await write(services, storeLogo, { act, clientId: 'nobody', file: png(1, 1) }), { outcome: 'not_found' })
  t.match(await write(services, storeLogo, {
    act,
    clientId: 'fund',
    file: null
  }), { outcome: 'stored', client: { version: 3 } })
  for (const tail of ['', '/small']) t.equal((await app.inject(`/client-logo/${stored.id}${tail}`)).statusCode, 404)
  await app.close()
})
