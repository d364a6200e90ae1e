/**
 * Builds the Tibetan fonts of the pages from Noto Serif Tibetan: shape every string first, then keep only the glyphs
 * that came out (a subset by characters would be three times as large, because every stack stays reachable).
 * Each string is shaped again with the result and compared outline by outline; any difference is a failure.
 *
 *   node views/make-font.ts            write views/assets/bo-ui.woff2 and bo-nav.woff2
 *   node views/make-font.ts --check    compare the committed fonts with the strings, write nothing
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { catalogues } from '../src/http/messages.ts'

const require = createRequire(import.meta.url)
const source = 'node_modules/@fontsource/noto-serif-tibetan/files/noto-serif-tibetan-tibetan-400-normal.woff2'
const tibetan = /[\u0F00-\u0FFF]+(?:[ ]+[\u0F00-\u0FFF]+)*/g

export interface BuiltFont {
  file: 'bo-ui.woff2' | 'bo-nav.woff2'
  woff2: Buffer
  runs: string[]
  glyphs: number
}

interface Glyph {
  id: number
  path: string
  position: string
}

/** The pieces of text that each font must be able to show. */
export function runsOf (file: BuiltFont['file']): string[] {
  const messages = catalogues.bo
  const texts = file === 'bo-nav.woff2' ? [messages['lang.name'] ?? ''] : [...Object.values(messages), '༠༡༢༣༤༥༦༧༨༩']
  return [...new Set(texts.flatMap((text) => text.match(tibetan) ?? []))]
}

interface Wasm {
  instantiate(bytes: Buffer): Promise<{ instance: { exports: unknown } }>
}
type Subsetter = Record<string, CallableFunction> & { memory: { buffer: ArrayBuffer } }

async function tools () {
  const hb = await import('harfbuzzjs')
  const fontverter = require('fontverter') as { convert(font: Buffer, to: 'truetype' | 'woff2'): Promise<Buffer> }
  const { instance } = await (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly.instantiate(
    readFileSync(require.resolve('harfbuzzjs/dist/harfbuzz-subset.wasm'))
  )
  const subset = instance.exports as Subsetter
  subset['_initialize']?.()
  return { hb, fontverter, subset }
}

type Tools = Awaited<ReturnType<typeof tools>>

const open = ({ hb }: Tools, bytes: Buffer) =>
  new hb.Font(
    new hb.Face(new hb.Blob(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer))
  )

function shape ({ hb }: Tools, font: ReturnType<typeof open>, text: string): Glyph[] {
  const buffer = new hb.Buffer()
  buffer.addText(text)
  buffer.guessSegmentProperties()
  hb.shape(font, buffer)
  const positions = buffer.getGlyphPositions()
  return buffer.getGlyphInfos().map((glyph, at) => ({
    id: glyph.codepoint,
    path: font.glyphToPath(glyph.codepoint),
    position: JSON.stringify(positions[at])
  }))
}

/** Strings that look different with `font` than with the full one. */
function differing (kit: Tools, full: Buffer, font: Buffer, runs: string[]): string[] {
  const [a, b] = [open(kit, full), open(kit, font)]
  return runs.filter((run) => {
    const wanted = shape(kit, a, run)
    const got = shape(kit, b, run)
    return (
      wanted.length !== got.length ||
      wanted.some((glyph, at) => glyph.path !== got[at]?.path || glyph.position !== got[at]?.position)
    )
  })
}

function cut ({ subset }: Tools, bytes: Buffer, codePoints: Set<number>, glyphs: Set<number>): Buffer {
  const call = (name: string, ...values: unknown[]): number => subset[name]?.(...values) as number
  const heap = (): Uint8Array => new Uint8Array(subset.memory.buffer)
  const input = call('hb_subset_input_create_or_fail')
  const at = call('malloc', bytes.length)
  heap().set(bytes, at)
  const face = call('hb_face_create', call('hb_blob_create', at, bytes.length, 2, 0, 0), 0)
  const features = call('hb_subset_input_set', input, 6) // HB_SUBSET_SETS_LAYOUT_FEATURE_TAG: all
  call('hb_set_clear', features)
  call('hb_set_invert', features)
  for (const point of codePoints) call('hb_set_add', call('hb_subset_input_unicode_set', input), point)
  for (const glyph of glyphs) call('hb_set_add', call('hb_subset_input_glyph_set', input), glyph)
  call('hb_subset_input_set_flags', input, 0x1 | 0x200) // no hinting, no layout closure
  const blob = call('hb_face_reference_blob', call('hb_subset_or_fail', face, input))
  const offset = call('hb_blob_get_data', blob, 0)
  return Buffer.from(heap().slice(offset, offset + call('hb_blob_get_length', blob)))
}

async function fullFont (kit: Tools): Promise<Buffer> {
  return await kit.fontverter.convert(readFileSync(new URL(`../${source}`, import.meta.url)), 'truetype')
}

/** Throws when a string could not be shown exactly as with the full font. */
export async function buildFont (file: BuiltFont['file']): Promise<BuiltFont> {
  const kit = await tools()
  const full = await fullFont(kit)
  const font = open(kit, full)
  const runs = runsOf(file)
  const points = new Set([...runs.join('')].map((letter) => letter.codePointAt(0) ?? 0))
  points.add(0x25cc) // the dotted circle that shaping inserts
  const glyphs = new Set([0])
  for (const run of runs) {
    for (const glyph of shape(kit, font, run)) glyphs.add(glyph.id)
    const buffer = new kit.hb.Buffer()
    buffer.addText(run)
    buffer.guessSegmentProperties()
    // glyphs that appear only between two lookups
    for (const step of kit.hb.shapeWithTrace(font, buffer, [], 0, 0) ?? []) {
      if (step.glyphs) for (const glyph of step.t as Array<{ g: number }>) glyphs.add(glyph.g)
    }
  }
  const small = cut(kit, full, points, glyphs)
  const wrong = differing(kit, full, small, runs)
  if (wrong.length > 0) throw new Error(`shaped differently: ${wrong.join(' / ')}`)
  return { file, woff2: await kit.fontverter.convert(small, 'woff2'), runs, glyphs: glyphs.size }
}

/** Strings that the committed font does not show as the full one does: it must be built again. */
export async function staleRuns (file: BuiltFont['file']): Promise<string[]> {
  const kit = await tools()
  const committed = await kit.fontverter.convert(readFileSync(new URL(`assets/${file}`, import.meta.url)), 'truetype')
  return differing(kit, await fullFont(kit), committed, runsOf(file))
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const file of ['bo-ui.woff2', 'bo-nav.woff2'] as const) {
    if (process.argv.includes('--check')) {
      const stale = await staleRuns(file)
      console.log(`${file}: ${stale.length === 0 ? 'up to date' : `needs a rebuild for ${stale.length} strings`}`)
      if (stale.length > 0) process.exitCode = 1
    } else {
      const built = await buildFont(file)
      writeFileSync(new URL(`assets/${file}`, import.meta.url), built.woff2)
      console.log(`${file}: ${built.runs.length} strings, ${built.glyphs} glyphs, ${built.woff2.length} bytes`)
    }
  }
}
