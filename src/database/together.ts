/**
 * Batches: statements of many requests as one. Requests for the same kind of thing in one turn of the event loop go to
 * the database together: one round trip, one plan, one commit. A single request sends its own statement and does not
 * wait.
 *
 * There is no cache: everything is read or written after it was asked for. Batching is best effort: an item that the
 * batch cannot decide runs by itself, so no request depends on another. A batch must therefore never wait for a row's
 * lock (`skip locked`), nor contain two items of one key.
 */
import { isDatabaseUnavailable } from './errors.ts'
import { statement, type Queryable } from './statement.ts'

const largest = 64

interface Waiting<I, O> {
  item: I
  outcome: Promise<O | undefined>
  answer: (outcome: O | undefined) => void
  fail: (error: unknown) => void
}

/**
 * @param keyOf the key that two items of one batch must not share
 * @param batch outcomes in the order of the items; undefined = not decided here
 * @param single one item by itself: in a transaction, when there is no other item, or when the batch did not decide it
 * @param copy for reads: a second request for the same item in the same turn gets a copy; without it, it runs by itself
 */
export function batchStatements<I, O> ({
  keyOf,
  batch,
  single,
  copy
}: {
  keyOf: (item: I) => string
  batch: (db: Queryable, items: I[]) => Promise<(O | undefined)[]>
  single: (db: Queryable, item: I) => Promise<O>
  copy?: ((outcome: O) => O) | undefined
}): (db: Queryable, item: I) => Promise<O> {
  const queues = new WeakMap<object, Map<string, Waiting<I, O>>>()

  function flush (db: Queryable, queue: Map<string, Waiting<I, O>>): void {
    if (queues.get(db) === queue) queues.delete(db)
    const waiting = [...queue.values()]
    if (waiting.length === 1) {
      waiting[0]?.answer(undefined)
      return
    }
    batch(
      db,
      waiting.map(({ item }) => item)
    ).then(
      (outcomes) => {
        waiting.forEach(({ answer }, at) => {
          answer(outcomes[at])
        })
      },
      (error: unknown) => {
        // one item may cause the failure; an absent database fails for everybody
        for (const { answer, fail } of waiting) {
          if (isDatabaseUnavailable(error)) fail(error)
          else answer(undefined)
        }
      }
    )
  }

  function enqueue (db: Queryable, key: string, item: I): Promise<O | undefined> {
    let queue = queues.get(db)
    if (queue === undefined || queue.size >= largest) {
      const fresh = (queue = new Map<string, Waiting<I, O>>())
      queues.set(db, fresh)
      // after everything that has arrived by now was read
      setImmediate(() => {
        flush(db, fresh)
      })
    }
    const { promise, resolve, reject } = Promise.withResolvers<O | undefined>()
    queue.set(key, { item, outcome: promise, answer: resolve, fail: reject })
    return promise
  }

  return async (db, item) => {
    if (db.isTransaction) return await single(db, item)
    const key = keyOf(item)
    const same = queues.get(db)?.get(key)
    if (same !== undefined) {
      const outcome = copy === undefined ? undefined : await same.outcome
      return outcome === undefined || copy === undefined ? await single(db, item) : copy(outcome)
    }
    const outcome = await enqueue(db, key, item)
    return outcome === undefined ? await single(db, item) : outcome
  }
}

/**
 * A look-up by one text, of many requests together.
 *
 * @param text SQL as for `statement`, with the texts as `$1::text[]`; must select the text looked for
 * @param keyOf the text that a row was found by
 * @returns a function that gives the rows of one text, each caller's own
 */
export function lookup<R> (
  name: string,
  text: string,
  keyOf: (row: R) => string
): (db: Queryable, key: string) => Promise<R[]> {
  const find = statement<[string[]], R>(name, text)
  return batchStatements<string, R[]>({
    keyOf: (key) => key,
    batch: async (db, keys) => {
      const rows = Map.groupBy(await find(db, keys), keyOf)
      return keys.map((key) => rows.get(key) ?? [])
    },
    single: async (db, key) => await find(db, [key]),
    copy: structuredClone
  })
}
