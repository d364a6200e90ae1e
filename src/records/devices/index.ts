/**
 * Devices: phones that can prove themselves. Owns the table `device`.
 *
 * An app installation brings its own key and is identified by the key's thumbprint (RFC 7638); the browser of a phone
 * is identified by a cookie whose hash is stored. A device belongs to one person, from the first face check (or
 * in-person code) made on it until it is unbound.
 */
export * from './app-keys.ts'
export * from './binding.ts'
export * from './repository.ts'
export * from './web-devices.ts'
