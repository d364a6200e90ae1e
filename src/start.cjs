/**
 * The first file that runs, readable by every Node.js: says in one line what is wrong with an old one, and sets
 * the size of the thread pool before anything uses it (password hashes and token signatures share it).
 */
'use strict'

const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  console.error(`Kora needs Node.js 24; this is ${process.versions.node}. Run "npm ci && npm start" (npm brings its own Node.js 24), or install Node.js 24.`)
  process.exit(1)
}
process.env.UV_THREADPOOL_SIZE ||= String(Math.max(4, require('node:os').availableParallelism() + 2))
import('./main.ts').catch((error) => {
  console.error(`Kora did not start: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
  process.exit(1)
})
