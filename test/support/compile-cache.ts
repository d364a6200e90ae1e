import { fileURLToPath } from 'node:url'

/** Folder of what V8 compiled, as NODE_COMPILE_CACHE wants it. */
export const compileCache = fileURLToPath(new URL('../.cache/compiled', import.meta.url))
