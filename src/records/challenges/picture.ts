/**
 * The picture with characters, for browsers without script. Pixels, never vectors: in a drawing each letter would be a
 * path that a program can read. Every glyph is rotated, slanted, stretched and waved at random; lines cross them.
 */
import { randomInt } from 'node:crypto'
import { greyPng } from './png.ts'

// 5 × 7, a row for each group; without characters that look like others (0 O o 1 l I 2 Z 5 S 8 B U V)
const GLYPHS: Readonly<Record<string, string>> = {
  A: '01110 10001 10001 11111 10001 10001 10001',
  C: '01110 10001 10000 10000 10000 10001 01110',
  E: '11111 10000 10000 11110 10000 10000 11111',
  F: '11111 10000 10000 11110 10000 10000 10000',
  H: '10001 10001 10001 11111 10001 10001 10001',
  J: '00111 00010 00010 00010 00010 10010 01100',
  K: '10001 10010 10100 11000 10100 10010 10001',
  L: '10000 10000 10000 10000 10000 10000 11111',
  M: '10001 11011 10101 10101 10001 10001 10001',
  N: '10001 11001 10101 10011 10001 10001 10001',
  P: '11110 10001 10001 11110 10000 10000 10000',
  R: '11110 10001 10001 11110 10100 10010 10001',
  T: '11111 00100 00100 00100 00100 00100 00100',
  W: '10001 10001 10001 10101 10101 11011 10001',
  X: '10001 10001 01010 00100 01010 10001 10001',
  Y: '10001 10001 01010 00100 00100 00100 00100',
  3: '11110 00001 00001 01110 00001 00001 11110',
  4: '00010 00110 01010 10010 11111 00010 00010',
  6: '00110 01000 10000 11110 10001 10001 01110',
  7: '11111 00001 00010 00100 01000 01000 01000',
  9: '01110 10001 10001 01111 00001 00010 01100'
}

const alphabet = Object.keys(GLYPHS).join('')
const length = 5
// twice the size at which it is shown, because people may enlarge it (WCAG 1.4.4)
const [width, height] = [320, 112]

/** The characters of a new picture. */
export const newAnswer = (): string => Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')

/** The typed answer in its normal form: case and blanks do not matter. */
export const normaliseAnswer = (typed: string): string =>
  typed.normalize('NFKC').replace(/\s/g, '').toUpperCase().slice(0, 20)

/** Another picture of the same characters every time. */
export function drawPicture (answer: string): Buffer {
  const pixels = new Uint8Array(width * height).fill(255)
  const dark = ({ x, y, radius, grey }: { x: number; y: number; radius: number; grey: number }): void => {
    for (let row = Math.floor(y - radius); row <= y + radius; row++) {
      for (let column = Math.floor(x - radius); column <= x + radius; column++) {
        if (
          row < 0 ||
          column < 0 ||
          row >= height ||
          column >= width ||
          (row - y) ** 2 + (column - x) ** 2 > radius ** 2
        ) {
          continue
        }
        pixels[row * width + column] = Math.min(pixels[row * width + column] ?? 255, grey)
      }
    }
  }
  const wave = { size: between(2, 5), length: between(50, 90), phase: between(0, 6.3) }
  for (const [at, character] of [...answer].entries()) {
    drawGlyph({
      character,
      centreX: 40 + at * 60 + between(-6, 6),
      centreY: 56 + between(-10, 10),
      dot: (x, y, radius, grey) => {
        dark({ x, y: y + wave.size * Math.sin((x / wave.length) * 6.3 + wave.phase), radius, grey })
      }
    })
  }
  for (let line = 0; line < 3; line++) {
    const [from, to, bend] = [between(10, height - 10), between(10, height - 10), between(-30, 30)]
    const thickness = between(1.2, 2.4)
    for (let x = 0; x < width; x++) {
      dark({
        x,
        y: from + ((to - from) * x) / width + bend * Math.sin((x / width) * 3.14),
        radius: thickness,
        grey: 60
      })
    }
  }
  for (let speck = 0; speck < 350; speck++) pixels[randomInt(pixels.length)] = randomInt(40, 200)
  return greyPng(width, height, pixels)
}

interface DrawGlyphInput {
  character: string
  centreX: number
  centreY: number
  dot: (x: number, y: number, radius: number, grey: number) => void
}

function drawGlyph ({ character, centreX, centreY, dot }: DrawGlyphInput): void {
  const [turn, lean] = [between(-0.35, 0.35), between(-0.3, 0.3)]
  const [scaleX, scaleY] = [between(6.5, 9), between(7.5, 10)]
  const radius = between(3.2, 4.6)
  const place = (column: number, row: number): [number, number] => {
    const [x, y] = [(column - 2 + lean * (3 - row)) * scaleX, (row - 3) * scaleY]
    return [centreX + x * Math.cos(turn) - y * Math.sin(turn), centreY + x * Math.sin(turn) + y * Math.cos(turn)]
  }
  const rows = (GLYPHS[character] ?? '').split(' ')
  const set = (column: number, row: number): boolean => rows[row]?.[column] === '1'
  for (let row = 0; row < 7; row++) {
    for (let column = 0; column < 5; column++) {
      if (!set(column, row)) continue
      // strokes instead of dots: towards every neighbor that belongs to the letter
      for (const [dx, dy] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
        [-1, 1]
      ] as const) {
        if (
          !set(column + dx, row + dy) ||
          (dx !== 0 && dy !== 0 && (set(column + dx, row) || set(column, row + dy)))
        ) {
          continue
        }
        for (let step = 0; step <= 6; step++) {
          dot(...place(column + (dx * step) / 6, row + (dy * step) / 6), radius, 20)
        }
      }
    }
  }
}

/** A random number in between; nobody should predict the picture. */
const between = (low: number, high: number): number => low + (randomInt(0, 1_000_000) / 1_000_000) * (high - low)
