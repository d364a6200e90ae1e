/**
 * Uploaded pictures are encoded again: what is stored are pixels that this process wrote as PNG. So nothing hidden in a
 * file (scripts, places, other formats behind the first) reaches a browser. No SVG.
 */
import { inflateSync } from 'node:zlib'
import jpeg from 'jpeg-js'
import { PNG } from 'pngjs'

const maximumBytes = 512 * 1024
const maximumSide = 2048
const logoSide = 256
/** On the pages of a login: 40 CSS pixels, at most two pixels for each, and small enough for the lightest page. */
export const maximumSmallBytes = 1200
const smallSides = [80, 60, 40, 20]
/** Distance between the values of a color. */
const colourSteps = [1, 16, 32, 64]

export type PictureFault = 'empty' | 'too_large' | 'not_a_picture' | 'too_many_pixels'
export type Picture = { ok: true; png: Buffer; width: number; height: number } | { ok: false; fault: PictureFault }

interface Pixels {
  width: number
  height: number
  data: Uint8Array
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** PNG or JPEG by its first bytes → PNG of at most 256 pixels a side. Sizes are read before anything is unpacked. */
export function remakePicture (file: Uint8Array): Picture {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  if (bytes.length === 0) return { ok: false, fault: 'empty' }
  if (bytes.length > maximumBytes) return { ok: false, fault: 'too_large' }
  const isPng = bytes.subarray(0, 8).equals(pngSignature)
  const size = isPng ? pngSize(bytes) : jpegSize(bytes)
  if (size === null || size.width === 0 || size.height === 0) return { ok: false, fault: 'not_a_picture' }
  if (size.width > maximumSide || size.height > maximumSide) return { ok: false, fault: 'too_many_pixels' }
  try {
    if (isPng && !pngKeepsItsSize(bytes, size)) return { ok: false, fault: 'not_a_picture' }
    const pixels: Pixels = isPng
      ? PNG.sync.read(bytes)
      : jpeg.decode(bytes, { useTArray: true, maxResolutionInMP: 5, maxMemoryUsageInMB: 64 })
    if (pixels.width !== size.width || pixels.height !== size.height) return { ok: false, fault: 'not_a_picture' }
    const small = shrink(pixels, logoSide)
    return { ok: true, png: encodePng(small), width: small.width, height: small.height }
  } catch {
    return { ok: false, fault: 'not_a_picture' }
  }
}

/** A stored picture reduced for the pages of a login: fewer colors, then fewer pixels, until it is small enough. */
export function smallPicture (png: Uint8Array): Buffer {
  const whole = PNG.sync.read(Buffer.from(png))
  let made: Buffer = Buffer.alloc(0)
  for (const side of smallSides) {
    const pixels = shrink(whole, side)
    for (const step of colourSteps) {
      made = encodePng({ ...pixels, data: pixels.data.map((value) => Math.min(255, Math.round(value / step) * step)) })
      if (made.length <= maximumSmallBytes) return made
    }
  }
  return made
}

function encodePng ({ width, height, data }: Pixels): Buffer {
  const png = new PNG({ width, height })
  png.data = Buffer.from(data)
  return PNG.sync.write(png)
}

function pngSize (bytes: Buffer): { width: number; height: number } | null {
  if (bytes.length < 33 || bytes.toString('latin1', 12, 16) !== 'IHDR') return null
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }
}

/**
 * One header only, and in an interlaced file no more data than its size can need: the decoder takes the last header for
 * the size, and unpacks interlaced data without any bound.
 * @throws RangeError there is more
 */
function pngKeepsItsSize (bytes: Buffer, { width, height }: { width: number; height: number }): boolean {
  const data: Buffer[] = []
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 12 + bytes.readUInt32BE(at)
    const type = bytes.toString('latin1', at + 4, at + 8)
    if (end > bytes.length || (type === 'IHDR' && at !== 8)) return false
    if (type === 'IDAT') data.push(bytes.subarray(at + 8, end - 4))
    if (type === 'IEND') break
    at = end
  }
  const interlaced = bytes[28] !== 0
  // eight bytes a pixel at most, and the filter byte of each line of the seven passes
  if (interlaced) inflateSync(Buffer.concat(data), { maxOutputLength: width * height * 8 + (height + 8) * 7 })
  return true
}

/** From the frame header (ISO/IEC 10918-1 B.2.2). */
function jpegSize (bytes: Buffer): { width: number; height: number } | null {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return null
  let at = 2
  while (at + 9 < bytes.length) {
    if (bytes[at] !== 0xff) return null
    const marker = bytes[at + 1] ?? 0
    if (marker === 0xff) {
      at++
      continue
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) }
    at += 2 + bytes.readUInt16BE(at + 2)
  }
  return null
}

/** Each new pixel is the mean of those that it covers; colors are weighted by their opacity. */
function shrink ({ width, height, data }: Pixels, side: number): Pixels {
  const scale = Math.max(width, height) / side
  if (scale <= 1) return { width, height, data }
  const [w, h] = [Math.max(1, Math.round(width / scale)), Math.max(1, Math.round(height / scale))]
  const made = new Uint8Array(w * h * 4)
  for (let y = 0; y < h; y++) {
    const [top, bottom] = [
      Math.floor((y * height) / h),
      Math.max(Math.floor((y * height) / h) + 1, Math.floor(((y + 1) * height) / h))
    ]
    for (let x = 0; x < w; x++) {
      const [left, right] = [
        Math.floor((x * width) / w),
        Math.max(Math.floor((x * width) / w) + 1, Math.floor(((x + 1) * width) / w))
      ]
      let [red, green, blue, alpha] = [0, 0, 0, 0]
      for (let v = top; v < bottom; v++) {
        for (let u = left; u < right; u++) {
          const from = (v * width + u) * 4
          const a = data[from + 3] ?? 0
          red += (data[from] ?? 0) * a
          green += (data[from + 1] ?? 0) * a
          blue += (data[from + 2] ?? 0) * a
          alpha += a
        }
      }
      const weight = Math.max(1, alpha)
      made.set(
        [red / weight, green / weight, blue / weight, alpha / ((bottom - top) * (right - left))].map(Math.round),
        (y * w + x) * 4
      )
    }
  }
  return { width: w, height: h, data: made }
}
