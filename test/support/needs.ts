/**
 * What a test needs and a machine may lack: PostgreSQL, Chromium, packages. Without it the test is skipped with a
 * sentence that says how to run it; with CI=true nothing is skipped, and the lack is a failure.
 */
import type { Test } from 'tap'

interface Need<T> {
  /** Of the test. */
  name: string
  /** null: not here. */
  found: T | null
  /** What is missing and how to get it. */
  lack: string
  /** Milliseconds. */
  timeout?: number
}

/** Runs `work` as a test of its own with what was found. */
export async function withNeed<T> (
  t: Test,
  { name, found, lack, timeout = 600_000 }: Need<T>,
  work: (t: Test, found: T) => Promise<void>
): Promise<void> {
  if (found !== null) await t.test(name, { timeout }, async (t) => work(t, found))
  else if (process.env['CI'] === 'true') t.fail(`${name}: ${lack}; CI skips nothing`)
  else await t.test(name, { skip: lack }, async () => {})
}

/** `url` is the server's that TEST_DATABASE_URL names. */
export async function withPostgres (
  t: Test,
  name: string,
  work: (t: Test, url: string) => Promise<void>
): Promise<void> {
  const url = process.env['TEST_DATABASE_URL'] ?? ''
  const lack = 'PostgreSQL: TEST_DATABASE_URL is not set (node test/support/postgres.ts start prints one)'
  await withNeed(t, { name, found: url === '' ? null : url, lack }, work)
}
