/**
 * Loaded before every test file (`node-arg` in package.json): with TEST_SEED every property is tried with the same
 * values again. Without it fast-check chooses, and names its seed when a property fails.
 */
export {}

const seed = process.env['TEST_SEED']
if (seed !== undefined && seed !== '') {
  if (!/^-?\d{1,10}$/.test(seed)) throw new Error(`TEST_SEED="${seed}" is not a number of 32 bits`)
  const { default: fc } = await import('fast-check')
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) })
}
