/** What docs/numbers.md shows. Values are templates over constants of the source: see source-number.ts. */

/** What is limited, its value, the file whose constants the value names. */
export type NumberRow = readonly [what: string, value: string, file: string]

export interface NumberGroup {
  heading: string
  rows: readonly NumberRow[]
  /** Sentences under the table. */
  notes?: readonly string[]
}

const configuration = 'src/oidc/configuration.ts'
const throttle = 'src/domain/login/throttle.ts'
const ticket = 'src/domain/login/scan-ticket.ts'
const limits = 'src/records/scan-tickets/limits.ts'
const face = 'src/records/face-checks/rules.ts'
const sms = 'src/domain/login/sms-code.ts'
const counter = 'src/journeys/support/in-person.ts'
const unit = 'src/journeys/registration/unit.ts'
const links = 'src/records/administrators/links.ts'
const settings = 'src/settings.ts'
const keys = 'src/tokens/signing-keys.ts'

export const numberGroups: readonly NumberGroup[] = [
  {
    heading: 'Protocol',
    rows: [
      ['authorization code', '{lifetimes.authorizationCode|seconds}', configuration],
      ['access token', '{lifetimes.accessToken|seconds}', configuration],
      [
        'access token in JWT form of a login for an organization',
        'at most {jwtForOrganizations|seconds}',
        'src/oidc/acting-for.ts'
      ],
      [
        'access token for an API',
        'its own, from {tokenSeconds.least|seconds}; opaque at most {tokenSeconds.opaque|seconds}, JWT at most ' +
          '{tokenSeconds.jwt|seconds}',
        'src/domain/resource-server/record.ts'
      ],
      ['access token of the admin API', '{adminApiTokenSeconds|seconds}', 'src/oidc/resource-servers.ts'],
      ['ID token', '{lifetimes.idToken|seconds}', configuration],
      ['refresh token', '{lifetimes.refreshToken|seconds}', configuration],
      ['interaction (one run of the hosted login)', '{lifetimes.interaction|seconds}', configuration],
      [
        'session',
        '{lifetimes.session|seconds} idle, {lifetimes.sessionAbsolute|seconds} absolute',
        configuration
      ],
      [
        'smallest extension of the idle time that is written',
        '{renewalShare|percent} of it',
        'src/oidc/session-adapter.ts'
      ],
      ['device code and its short code', '{lifetimes.deviceCode|seconds}', configuration],
      [
        'polls of a waiting device',
        'every {pollSeconds.first|seconds}; {pollSeconds.more|seconds} more for each that came too soon, at most ' +
          '{pollSeconds.most|seconds}',
        'src/tokens/device-code-repository.ts'
      ],
      ['signed authorization response (JARM)', '{signedResponseSeconds|seconds}', configuration],
      [
        'request object (RFC 9101)',
        '{requestObjectLimits.size} characters; valid for at most {requestObjectLimits.lifetime|seconds}, in the ' +
          'high profile {requestObjectLimits.highLifetime|seconds}',
        'src/oidc/request-objects.ts'
      ],
      [
        'parameters in an address',
        '{postedLimit|bytes}; longer requests go to the PAR endpoint',
        'src/oidc/posted-requests.ts'
      ],
      ['client certificate in a header', '{maximumHeader} characters', 'src/oidc/client-certificates.ts'],
      ['clock tolerance of assertions and proofs', '{clockToleranceSeconds|seconds}', configuration],
      [
        'old client secret after a rotation',
        '{graceSeconds|seconds} unless another time is chosen; at most ' +
          '{src/tokens/client-secrets.ts#maximumLiveSecrets} live secrets',
        'src/records/clients/secrets.ts'
      ],
      ['expired artifacts are kept', '{keptAfterExpirySeconds|seconds}', 'src/oidc/index.ts'],
      ['expired device codes are kept', '{knownAfterExpirySeconds|seconds}', 'src/oidc/device-code-adapter.ts']
    ],
    notes: [
      'A resource server may set a lifetime of its own for its access tokens.',
      'The lifetime of a refresh token counts from the first token of its line, with or without rotation.',
      'While an expired device code is kept, its device gets `expired_token`.'
    ]
  },
  {
    heading: 'Signing keys',
    rows: [
      ['a key signs', 'at least {keyTimes.published|seconds} after it was published', keys],
      ['a retired key still verifies', '{keyTimes.retired|seconds}', keys],
      ['keys and discovery may be cached', '{publicMaxAge|seconds}', keys],
      ['rotation', 'after {settings.KEY_ROTATION_DAYS.fallback|days} (`KEY_ROTATION_DAYS`)', settings],
      [
        'use of a removed key',
        'counted for each key, site and place; written every {writeMilliseconds|milliseconds}',
        'src/oidc/removed-keys.ts'
      ]
    ],
    notes: ['A successor is always published. Caches end an hour before the earliest moment at which it signs.']
  },
  {
    heading: 'Passwords and floods',
    rows: [
      [
        'wrong passwords for one identifier from one source',
        '{throttleRules.pair.limit} in {throttleRules.pair.windowSeconds|seconds}, then this source waits',
        throttle
      ],
      [
        'wrong passwords for one identifier, all unknown browsers',
        '{throttleRules.identifier.limit} in {throttleRules.identifier.windowSeconds|seconds}, then ' +
          '{throttleRules.identifier.slowedLimit} for each source in {throttleRules.pair.windowSeconds|seconds}',
        throttle
      ],
      [
        'consecutive wrong passwords for one identifier',
        '{throttleRules.consecutive.limit} in {throttleRules.consecutive.windowSeconds|seconds}, then the password ' +
          'is suspended',
        throttle
      ],
      [
        'different identifiers that failed from one source',
        '{throttleRules.source.limit} in {throttleRules.source.windowSeconds|seconds}, then ' +
          '{throttleRules.source.blockSeconds|seconds} pause',
        throttle
      ],
      [
        'audit events of refused passwords',
        '{throttledAudit.limit} in {throttledAudit.seconds|seconds} for a source',
        'src/journeys/login/password-page.ts'
      ],
      [
        'logins that one address may start',
        '{settings.LOGIN_STARTS_PER_ADDRESS.fallback} in {src/http/login-starts.ts#startWindowSeconds|seconds} at ' +
          'each process (`LOGIN_STARTS_PER_ADDRESS`)',
        settings
      ],
      [
        'password hash',
        'argon2id, {argon2Defaults.memoryKib|kib}, {argon2Defaults.passes} passes',
        'src/adapters/password-hasher.ts'
      ],
      [
        'hashes at once',
        'one for each processor; {queueDefaults.waiting} wait, at most {queueDefaults.deadlineMs|milliseconds}',
        'src/adapters/password-hasher.ts'
      ],
      [
        'challenge before a form',
        '{challengeSeconds|seconds}, once; work of {src/domain/login/proof-of-work.ts#workBits} bits or a picture',
        'src/records/challenges/index.ts'
      ],
      [
        'wrong short codes of devices',
        '{tries.browser} in {tries.seconds|seconds} for a browser, {tries.network} for a network',
        'src/journeys/device-login/index.ts'
      ]
    ],
    notes: [
      'A browser from which the person has signed in before keeps counters of its own. Scanning is never counted, ' +
        'and stays possible when a password is suspended. The password of an organization is never suspended.',
      'A network is an IPv4 address (for short codes its /24) or an IPv6 /56. Single sign-on does not count as a ' +
        'start of a login; a device code does. The limit allows two hundred counters of a service hall behind one ' +
        'address to start a login every minute. Behind a proxy, set `TRUSTED_PROXIES`: otherwise all people have the ' +
        'address of the proxy.'
    ]
  },
  {
    heading: 'QR codes, phones and face checks',
    rows: [
      ['QR code', '{ticketSeconds.scan|seconds} to scan, then {ticketSeconds.act|seconds} to confirm', ticket],
      ['rotation of the picture', 'every {ticketSeconds.step|seconds} while script runs', ticket],
      ['renewals without a person', '{ticketLimits.silentRenewals}', ticket],
      ['from the confirmation to the end in the browser', '{ticketSeconds.finish|seconds}', ticket],
      ['number that is entered on the phone', '{ticketLimits.numberTries} tries', ticket],
      [
        'new QR codes of one browser',
        '{ticketsPerBrowser.limit} in {ticketsPerBrowser.seconds|seconds}',
        limits
      ],
      [
        'new QR codes of one address',
        '{ticketsPerAddress.limit} in {ticketsPerAddress.seconds|seconds}',
        limits
      ],
      ['unknown QR codes of one phone', '{unknownCodes.limit} in {unknownCodes.seconds|seconds}', limits],
      ['phone browser that a face check bound', '{webDeviceSeconds|seconds}', 'src/records/devices/repository.ts'],
      ['clock difference of app proofs', '{proofSkewSeconds|seconds}', 'src/journeys/app-api/proofs.ts'],
      [
        'identity form',
        '{identityMismatches.limit} mismatches of a person in {identityMismatches.seconds|seconds}',
        'src/records/identity/index.ts'
      ],
      [
        'face check',
        '{faceLimits.perAttempt} tries in one attempt, {faceLimits.perDay} on one day (Asia/Shanghai), ' +
          '{faceLimits.startsPerDay} starts',
        face
      ],
      ['face verdict', '{faceSeconds.check|seconds} to get it, {faceSeconds.verdict|seconds} to use it', face],
      [
        'face provider',
        '{defaultTimeoutMs|milliseconds} for a call; stopped after {defaultBreaker.failures} faults, tried again ' +
          'after {defaultBreaker.halfOpenAfterMs|milliseconds}',
        'src/adapters/face-http/index.ts'
      ],
      [
        'in-person code',
        '8 digits, {counterCodeHours|hours}, {counterCodeTries} tries, once',
        'src/records/counter-codes/index.ts'
      ],
      ['in-person session', '{inPersonLimits.sessionMinutes|minutes}, one code', counter],
      [
        'in-person checks of one operator',
        '{inPersonLimits.lookups.limit} look-ups in {inPersonLimits.lookups.seconds|seconds}, ' +
          '{inPersonLimits.codes.limit} codes in {inPersonLimits.codes.seconds|seconds}',
        counter
      ]
    ],
    notes: ['A fault of the face provider is not a try of the person.']
  },
  {
    heading: 'Codes by short message',
    rows: [
      ['code', '{smsLimits.seconds|seconds}, {smsLimits.tries} tries', sms],
      [
        'codes for one phone',
        '{smsLimits.resend.limit} in {smsLimits.resend.seconds|seconds}, {smsLimits.hour.limit} in ' +
          '{smsLimits.hour.seconds|seconds}, {smsLimits.day.limit} in {smsLimits.day.seconds|seconds}',
        sms
      ],
      ['codes for one network', '{smsLimits.source.limit} in {smsLimits.source.seconds|seconds}', sms],
      ['codes of the deployment', '{smsLimits.all.limit} in {smsLimits.all.seconds|seconds}', sms]
    ]
  },
  {
    heading: 'Organizations',
    rows: [
      [
        'delegation',
        'one year by default, at most {defaultLimits.maximumDays|days}; {defaultLimits.maximumAgents} agents',
        'src/domain/representation/delegation.ts'
      ],
      [
        'trusted browser of one person behind one organization password',
        '{trustedBrowserDays|days}',
        'src/records/organizations/trusted-browsers.ts'
      ],
      ['draft of an application', '{draftHours|hours}', 'src/journeys/registration/repository.ts'],
      [
        'applications started',
        '{starts.browser} in {starts.seconds|seconds} for a browser, {starts.source} for a network',
        'src/journeys/registration/start.ts'
      ],
      [
        'look-ups of an organization',
        '{lookups.limit} in {lookups.seconds|seconds} for a network',
        unit
      ],
      [
        'password after the face check of an application',
        '{verificationMinutes|minutes}',
        'src/domain/representation/registration.ts'
      ],
      [
        'links that continue an application',
        '{limits.application.limit} in {limits.application.seconds|seconds} for an application, {limits.phone.limit} ' +
          'for a phone',
        'src/journeys/registration/later.ts'
      ]
    ],
    notes: ['A link that continues an application can be used once and is valid as long as the draft.']
  },
  {
    heading: 'Administration',
    rows: [
      [
        "administrator's session",
        '{sessionLifetime.idleSeconds|seconds} idle, {sessionLifetime.absoluteSeconds|seconds} absolute',
        'src/journeys/console/site.ts'
      ],
      ['credentials given again', 'after {reauthSeconds|seconds}', 'src/records/administrators/sessions.ts'],
      [
        'sign-in',
        'passkey challenge {seconds|seconds}, once; {src/journeys/console/prove.ts#challenges.limit} challenges in ' +
          '{src/journeys/console/prove.ts#challenges.seconds|seconds} for a source',
        'src/records/administrators/passkeys.ts'
      ],
      [
        "wrong present passwords, when an administrator's password is changed",
        '{passwordTries.limit} in {passwordTries.seconds|seconds}',
        'src/records/administrators/own-credentials.ts'
      ],
      [
        'link that sets credentials',
        'first account {linkLife.bootstrap|minutes}, reset {linkLife.reset|minutes}, invitation ' +
          '{linkLife.invitation|minutes}; once',
        links
      ],
      [
        'code beside such a link',
        '{src/domain/login/user-code.ts#userCodeLength} letters; {linkCodeTries} wrong ones end the link',
        links
      ],
      ['request for approval', '{approvalDays|days}', 'src/records/approvals/requests.ts'],
      ['unmasking after it was granted', '{unmaskGrantMinutes|minutes}, once', 'src/journeys/support/unmask.ts'],
      ['lists of the console', '{pageSize} rows, an export {exportLimit}', 'src/journeys/console/lists.ts'],
      [
        'requests of the admin API',
        '{requestLimits.client} in {requestLimits.seconds|seconds} for a client; {requestLimits.refusedNetwork} ' +
          'refused ones for a network',
        'src/journeys/admin-api/authenticate.ts'
      ],
      ['idempotency key of the admin API', '{keptHours|hours}', 'src/journeys/admin-api/idempotency.ts'],
      ['changed settings', 'seen by every process after {settingsSeconds|seconds}', 'src/records/settings/index.ts'],
      ['notice to many people', '{noticePart} people in one transaction', 'src/records/messages/notices.ts']
    ],
    notes: [
      'Passwords of administrators are throttled as those of people, with counters of their own. A one-time code is ' +
        'good once.'
    ]
  },
  {
    heading: 'Operation',
    rows: [
      ['time for a request to arrive', '{serverOptions.requestTimeout|milliseconds}', 'src/http/index.ts'],
      ['part of an address', '{partLength} characters', 'src/http/index.ts'],
      [
        'body of a request',
        '{serverOptions.bodyLimit|bytes}; app API {src/journeys/app-api/index.ts#bodyLimit|bytes}, admin API ' +
          '{src/journeys/admin-api/index.ts#bodyLimit|bytes}',
        'src/http/index.ts'
      ],
      ['audit events are sealed', 'every {sealMilliseconds|milliseconds}', 'src/records/audit/sealer.ts'],
      ['audit events are kept', 'at least {keptDays|days}', 'src/records/audit/archive.ts'],
      [
        'delivery of messages and logout tokens',
        '{attempts} attempts, pauses up to {longestPauseSeconds|seconds}, then a dead letter',
        'src/records/outbox/worker.ts'
      ],
      [
        'delivered and dead messages are kept',
        '{deliveredDays|days}; {deadDays|days}',
        'src/records/outbox/repository.ts'
      ],
      ['drain', 'at most {drainMilliseconds|milliseconds}', 'src/runtime/drain.ts']
    ],
    notes: [
      'Headers may have 16 KB (Node.js) and bodies of protocol endpoints 56 KB (the library). A logout token is ' +
        'valid for 2 minutes (the library).',
      'A draining process still serves for `DRAIN_NOTICE_SECONDS` while `/readyz` says no, so that the load balancer ' +
        'notices.'
    ]
  }
]
