#!/usr/bin/env node
/**
 * `npx kora`: starts the command line under the Node.js that npm installed with Kora, where the machine's own is older.
 */
'use strict'

const { spawnSync } = require('node:child_process')
const { existsSync } = require('node:fs')
const { join } = require('node:path')

const own = join(__dirname, '../../node_modules/node/bin/node')
const old = Number(process.versions.node.split('.')[0]) < 24
if (old && !existsSync(own)) {
  console.error(`Kora needs Node.js 24; this is ${process.versions.node}. Run npm ci (npm brings its own Node.js 24), or install Node.js 24.`)
  process.exit(1)
}
const command = [join(__dirname, 'kora.ts'), ...process.argv.slice(2)]
const { status } = spawnSync(old ? own : process.execPath, command, { stdio: 'inherit' })
process.exit(status ?? 1)
