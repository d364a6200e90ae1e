// Proof of work: a nonce with which SHA-256(seed:nonce) begins with enough zero bits. Loaded only where a form asks.
const primes = []
for (let n = 2; primes.length < 64; n++) if (primes.every(p => n % p)) primes.push(n)
const part = x => ((x - Math.floor(x)) * 2 ** 32) | 0
const K = primes.map(p => part(Math.cbrt(p)))
const start = primes.slice(0, 8).map(p => part(Math.sqrt(p)))
const W = new Int32Array(64)
const turn = (x, n) => (x >>> n) | (x << (32 - n))

// first word of the digest of one block: at most 55 ASCII characters (FIPS 180-4 §6.2)
export const first = text => {
  W.fill(0)
  for (let i = 0; i <= text.length; i++) W[i >> 2] |= (i < text.length ? text.charCodeAt(i) : 128) << (24 - i % 4 * 8)
  W[15] = text.length * 8
  let [a, b, c, d, e, f, g, h] = start
  for (let i = 0; i < 64; i++) {
    if (i > 15) {
      const x = W[i - 15]; const y = W[i - 2]
      W[i] = W[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)) + W[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ (y >>> 10))
    }
    const s = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + W[i]) | 0
    const m = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g; g = f; f = e; e = (d + s) | 0; d = c; c = b; b = a; a = (s + m) | 0
  }
  return (start[0] + a) >>> 0
}

export default box => {
  const form = box.closest('form')
  const { seed, bits } = box.dataset
  let nonce = 0
  let waiting
  box.hidden = true
  const some = () => {
    const end = Date.now() + 30 // in small pieces: the page stays usable
    while (Date.now() < end) {
      if (first(`${seed}:${nonce}`) >>> (32 - bits)) { nonce++; continue }
      form.elements.work.value = nonce
      if (waiting) form.submit()
      return
    }
    setTimeout(some)
  }
  form.addEventListener('submit', event => { if (!form.elements.work.value) { event.preventDefault(); waiting = true } })
  some()
}
