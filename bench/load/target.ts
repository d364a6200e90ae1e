/** What the generator is told about a server: the same words for Kora and for the bare engine. */
export interface Target {
  /** Where to connect. */
  host: string
  port: number
  /** Origin of the issuer: the Host header and forms say this. */
  issuer: string
  paths: { authorization: string; token: string; userinfo: string; introspection: string }
  clients: {
    /** Confidential, authorization code. */
    site: { id: string; secret: string; redirectUri: string; scope: string }
    /** Public, authorization code, rotating refresh tokens. */
    app: { id: string; redirectUri: string; scope: string }
    /** Client credentials; one resource for each token format. */
    machine: { id: string; secret: string; scope: string; opaque: string; jwt: string }
    /** Resource server that introspects. */
    resource: { id: string; secret: string }
  }
  /** Accounts of the hosted login; several, so that one row is not everybody's. */
  accounts: { account: string; password: string }[]
}
