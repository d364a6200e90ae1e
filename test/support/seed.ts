/**
 * Loaded before every test file (`node-arg` in package.json). What V8 compiled is kept for the next process, which
 * saves each of them half of its loading; with TEST_SEED every property is tried with the same values again. Without it
 * fast-check chooses, and names its seed when a property fails.
 */
import { enableCompileCache } from 'node:module'
import { compileCache } from './compile-cache.ts'

// programs that a test starts share it
process.env['NODE_COMPILE_CACHE'] = compileCache
enableCompileCache(compileCache)

const seed = process.env['TEST_SEED']
if (seed !== undefined && seed !== '') {
  if (!/^-?\d{1,10}$/.test(seed)) throw new Error(`TEST_SEED="${seed}" is not a number of 32 bits`)
  const { default: fc } = await import('fast-check')
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) })
}
