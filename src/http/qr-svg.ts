/** A QR code as a small SVG: one stroke for each run of dark modules (a quarter of the usual size). */
import { encode } from 'uqr'

/**
 * @param text payload; an https address, because every scanner can open one
 * @param labelledBy id of the element that says what the code is and what to do instead
 */
export function qrSvg (text: string, labelledBy: string): string {
  const code = encode(text, { ecc: 'M', border: 0 })
  let path = ''
  for (let y = 0; y < code.size; y++) {
    const row = code.data[y] ?? []
    for (let x = 0, at = -1; x < code.size; x++) {
      if (!row[x]) continue
      let width = 1
      while (x + width < code.size && row[x + width]) width++
      path += (at < 0 ? `M${x + 4} ${y + 4.5}` : `m${x - at} 0`) + `h${width}`
      x += width - 1
      at = x + 1
    }
  }
  const n = code.size + 8 // quiet zone of 4 modules, ISO/IEC 18004 §9.1
  return `<svg class="qr-img" role="img" aria-labelledby="${labelledBy}" viewBox="0 0 ${n} ${n}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${n}v${n}H0z"/><path stroke="#000" d="${path}"/></svg>`
}
