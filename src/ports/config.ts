/** The configuration as every part reads it; `src/config.ts` makes it from the environment. */
import type { FacePolicy } from '../domain/login/next-step.ts'
import type { PasswordProfile } from '../domain/login/password-policy.ts'

/** Where an outside service is and how we sign to it. */
export interface Vendor {
  url: string
  keyId: string
  secret: string
}

export interface Config {
  environment: 'development' | 'production' | 'test'
  host: string
  port: number
  /** Port of the demo relying site; null when it is not started. */
  relyingSitePort: number | null
  issuer: string
  dataDir: string
  databaseUrl: string | null
  databasePoolSize: number
  /** Networks of proxies whose forwarding headers are trusted (CIDR list); empty = none. */
  trustedProxies: string[]
  /** 32 bytes each: encryption of fields, blind indexes, audit MACs. Generated into the data folder in development. */
  masterKey: Buffer | null
  /** Prints the master key. */
  masterKeyCommand: string | null
  masterKeyId: string
  /** Former master keys, and the next one while it is made known, by id. */
  masterKeyPrevious: Record<string, Buffer>
  fieldCipher: 'aes-256-gcm' | 'sm4-gcm'
  facePolicy: FacePolicy
  /** What an organization's password opens in a browser where its person was verified. */
  organizationPasswordLogin: 'confined' | 'scan'
  passwordProfile: PasswordProfile
  /** What a scanned code opens. */
  phoneChannels: { app: boolean; pages: boolean }
  sandbox: boolean
  /** Simulators may run: outside production, on this machine or by a setting that says for whom. */
  simulated: boolean
  demoData: boolean
  logLevel: string
  face: Vendor | null
  populationRegister: Vendor | null
  companyRegister: Vendor | null
  /** Seconds between two readings of the journal of the company register. */
  companyRegisterSeconds: number
  sms: Vendor | null
  /** Port of the face simulator's own service; 0 = any free one. */
  sandboxFacePort: number
  /** Hosts (host or host:port) of relying sites on private networks that may be called: jwks_uri, logout. */
  egressAllowed: string[]
  contact: { hotline: string; email: string; hours: string }
  /** Version of privacy policy and terms; a new one asks for agreement once more. */
  policyVersion: string
  /** At most this many password hashes at once (argon2id is CPU and memory bound). */
  hashConcurrency: number
  metricsToken: string | null
  /** Seconds between "not ready" and the refusal of new connections, for the load balancer to notice. */
  drainNoticeSeconds: number
  /** A signing key is followed by its successor after this many days. */
  keyRotationDays: number
  /** RFC 7591: sites register themselves, with a token that an operator made. */
  dynamicRegistration: boolean
  /**
   * RFC 8705: headers in which a trusted proxy passes on the client's certificate and whether it verified it (null: it
   * does not), and the origin where it asks for certificates (null: that of the issuer). Null = off.
   */
  mtls: { certHeader: string; verifyHeader: string | null; origin: string | null } | null
  /** Logins that one address may start in five minutes at this process. */
  loginStartsPerAddress: number
  /** Deprecated settings in use; reported once at the start. */
  warnings: readonly string[]
}
