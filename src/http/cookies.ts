/** The value in a `Cookie` header; undefined when it is absent. For requests that Fastify does not parse. */
export const readCookie = (header: string, name: string): string | undefined =>
  new RegExp(`(?:^|;\\s*)${name}=([^;]*)`).exec(header)?.[1]
