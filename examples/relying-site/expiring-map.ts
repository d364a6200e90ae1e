/** A Map whose entries die after a time and whose size is bounded: when full, the oldest entry makes room. */
export class ExpiringMap<Value> {
  // Every entry lives equally long, so insertion order is also the order of expiry.
  readonly #entries = new Map<string, { value: Value; expiresAt: number }>()
  readonly #ttl: number
  readonly #limit: number
  readonly #now: () => number

  /** `ttl` in milliseconds, `limit` in entries. */
  constructor (ttl: number, limit: number, now: () => number = Date.now) {
    this.#ttl = ttl
    this.#limit = limit
    this.#now = now
  }

  get (key: string): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry && entry.expiresAt > this.#now()) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  /** Stores, or stores again: the entry's life starts anew. */
  set (key: string, value: Value): void {
    this.#entries.delete(key)
    for (const [oldest, { expiresAt }] of this.#entries) {
      if (expiresAt > this.#now() && this.#entries.size < this.#limit) break
      this.#entries.delete(oldest)
    }
    this.#entries.set(key, { value, expiresAt: this.#now() + this.#ttl })
  }

  delete (key: string): void {
    this.#entries.delete(key)
  }

  /** For things that work once: the second call gets nothing. */
  take (key: string): Value | undefined {
    const value = this.get(key)
    this.#entries.delete(key)
    return value
  }

  /** All entries, some perhaps past their time. */
  * entries (): Iterable<[key: string, value: Value]> {
    for (const [key, { value }] of this.#entries) yield [key, value]
  }
}
