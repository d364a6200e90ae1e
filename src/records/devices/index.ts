/**
 * Devices: phones that can prove themselves. Owns the table `device`.
 *
 * An app installation brings its own key and is known by the key's thumbprint (RFC 7638); the browser of a
 * phone is known by a cookie whose hash is kept. A device belongs to one person, from the first face check
 * (or counter code) made on it, and to nobody else until it is unbound.
 */
export * from './app-keys.ts'
export * from './binding.ts'
export * from './repository.ts'
export * from './web-devices.ts'
