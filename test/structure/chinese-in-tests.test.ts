/**
 * Tests look at the hooks of a page or at keys of messages, not at Chinese sentences (docs/decisions, 0012). Here are
 * the files with assertions that still hold Chinese, and how many lines of them: a number may only go down.
 */
import { globSync, readFileSync } from 'node:fs'
import t from 'tap'

const allowed: Array<{ why: string; files: Record<string, number> }> = [
  {
    why: 'names of people, places and organizations: data of registers and of claims',
    files: {
      'test/adapters/face-http/faults.test.ts': 1,
      'test/adapters/face-http/provider.test.ts': 1,
      'test/adapters/registry-http/company.test.ts': 5,
      'test/adapters/registry-http/registry.test.ts': 4,
      'test/contract/database.test.ts': 1,
      'test/database/field-crypto.test.ts': 2,
      'test/domain/claims/verified-claims.test.ts': 1,
      'test/domain/identity/ethnic-group.test.ts': 6,
      'test/domain/identity/person-name.test.ts': 4,
      'test/domain/identity/region-code.test.ts': 6,
      'test/domain/representation/registration.test.ts': 4,
      'test/records/audit/roles.test.ts': 1,
      'test/records/company-register/register-news.test.ts': 7,
      'test/records/devices/devices.test.ts': 1,
      'test/records/face-checks/face-checks.test.ts': 1,
      'test/records/messages/messages.test.ts': 1,
      'test/records/messages/notices.test.ts': 6,
      'test/records/organizations/delegations/approval.test.ts': 2,
      'test/records/organizations/delegations/endings.test.ts': 2,
      'test/records/organizations/register-news.test.ts': 2,
      'test/records/resource-servers/resource-servers.test.ts': 1,
      'test/records/scan-tickets/browser-side.test.ts': 1,
      'test/records/scan-tickets/phone-proofs.test.ts': 3,
      'test/records/settings/settings.test.ts': 11,
      'test/simulators/face-provider/capture.test.ts': 4,
      'test/simulators/face-provider/contract.test.ts': 1,
      'test/simulators/sandbox/api.test.ts': 5,
      'test/simulators/sandbox/journeys.test.ts': 1,
      'test/simulators/sandbox/pages.test.ts': 11,
      'test/simulators/sandbox/parts.test.ts': 2
    }
  },
  {
    why: 'rules about Chinese itself: names, passwords, fonts, languages, words that people must not find',
    files: {
      'test/domain/client/metadata.test.ts': 2,
      'test/domain/login/password-policy.test.ts': 3,
      'test/domain/resource-server/validation.test.ts': 2,
      'test/http/client-address.test.ts': 5,
      'test/http/errors.test.ts': 1,
      'test/http/locale.test.ts': 2,
      'test/http/templates.test.ts': 3
    }
  },
  {
    why: 'pages of the example relying site, which has no message files',
    files: {
      'test/examples/relying-site/pages.test.ts': 6,
      'test/examples/relying-site/property-certificate.test.ts': 8,
      'test/examples/relying-site/sign-in.test.ts': 17,
      'test/examples/relying-site/sign-out.test.ts': 5,
      'test/examples/relying-site/tokens.test.ts': 11
    }
  },
  {
    why: 'the README and documents, which are Chinese in part',
    files: {
      'test/deployment/first-deployment.test.ts': 1,
      'test/first-start/first-start.ts': 1,
      'test/journeys/developers/documents.test.ts': 5,
      'test/journeys/developers/snippets/snippets.test.ts': 1,
      'test/readme/readme.test.ts': 6
    }
  },
  {
    why: 'the command line and programs: names of clients in what they print and answer',
    files: {
      'test/cli/clients.test.ts': 3,
      'test/cli/resource-server.test.ts': 1,
      'test/journeys/admin-api/clients.test.ts': 4,
      'test/journeys/admin-api/desk-acts.test.ts': 2,
      'test/journeys/admin-api/desk.test.ts': 3,
      'test/journeys/app-api/api.test.ts': 1,
      'test/journeys/app-api/proofs.test.ts': 1,
      'test/journeys/app-api/scans.test.ts': 3
    }
  },
  {
    why: 'walked in Chromium: sentences and button names as people see them; not converted yet',
    files: {
      'test/browser/agents.test.ts': 25,
      'test/browser/apis.test.ts': 1,
      'test/browser/clients.test.ts': 20,
      'test/browser/console.test.ts': 2,
      'test/browser/desk.test.ts': 1,
      'test/browser/device.test.ts': 3,
      'test/browser/journeys.test.ts': 64,
      'test/browser/journeys.ts': 1,
      'test/browser/organizations.test.ts': 9,
      'test/browser/pages-behaviour.test.ts': 7,
      'test/browser/registration.test.ts': 1,
      'test/browser/user-centre.test.ts': 1
    }
  },
  {
    why: 'names that were typed, and sentences put together from several messages; not converted yet',
    files: {
      'test/flows/account-states.test.ts': 2,
      'test/flows/bad-input.test.ts': 1,
      'test/flows/desk.test.ts': 9,
      'test/flows/device-requests.test.ts': 5,
      'test/flows/device.test.ts': 9,
      'test/flows/hostile-pages.test.ts': 1,
      'test/flows/jar.test.ts': 1,
      'test/flows/jarm.test.ts': 1,
      'test/flows/logout.test.ts': 2,
      'test/flows/lost.test.ts': 2,
      'test/flows/organization-login.test.ts': 6,
      'test/flows/person-login.test.ts': 3,
      'test/flows/posted-requests.test.ts': 1,
      'test/flows/protocol.test.ts': 2,
      'test/flows/rar.test.ts': 7,
      'test/flows/representation.test.ts': 3,
      'test/journeys/console/account/own-account.test.ts': 4,
      'test/journeys/console/approvals/approvals.test.ts': 4,
      'test/journeys/console/approvals/endorsement.test.ts': 3,
      'test/journeys/console/audit/audit-keys.test.ts': 6,
      'test/journeys/console/clients/clients.test.ts': 15,
      'test/journeys/console/clients/trial.test.ts': 5,
      'test/journeys/console/console.test.ts': 1,
      'test/journeys/console/oidc.test.ts': 1,
      'test/journeys/console/parts.test.ts': 4,
      'test/journeys/console/settings/settings-unmask.test.ts': 2,
      'test/journeys/console/sign-in/link-codes.test.ts': 4,
      'test/journeys/console/sign-in/sign-in.test.ts': 3,
      'test/journeys/device-login/registration.test.ts': 2,
      'test/journeys/phone-pages/pages.test.ts': 4,
      'test/journeys/phone-pages/same-phone.test.ts': 5,
      'test/journeys/phone-pages/trouble.test.ts': 2,
      'test/journeys/registration/agent.test.ts': 3,
      'test/journeys/registration/decision.test.ts': 2,
      'test/journeys/registration/hostile.test.ts': 1,
      'test/journeys/registration/legal-representative.test.ts': 4,
      'test/journeys/registration/persons.test.ts': 3,
      'test/journeys/registration/review.test.ts': 7,
      'test/journeys/registration/templates.test.ts': 1,
      'test/journeys/console/notices.test.ts': 2,
      'test/journeys/support/find.test.ts': 7,
      'test/journeys/support/in-person.test.ts': 2,
      'test/journeys/support/organizations.test.ts': 13,
      'test/journeys/support/people-acts.test.ts': 3,
      'test/journeys/support/unmask.test.ts': 1,
      'test/journeys/user-center/access.test.ts': 6,
      'test/journeys/user-center/agents.test.ts': 9,
      'test/journeys/user-center/approval.test.ts': 8,
      'test/journeys/user-center/inbox.test.ts': 5,
      'test/journeys/user-center/organization-password.test.ts': 8,
      'test/runtime/logging.test.ts': 2,
      'test/tokens/issue-together.test.ts': 1
    }
  }
]

const root = new URL('../../', import.meta.url)
const han = /\p{Script=Han}/u
const assertion = /\bt\.(?!test\b)\w+\(|\b(?:says|status)\(|includes\(|hasText|getBy\w+\(|(?:title|html): /
const expression = /(?<![\w)\]'/*])\/(?:\\.|\[(?:\\.|[^\]])*\]|[^/\\[])*\//g

/** Lines of code where Chinese is looked for: in an assertion or in a regular expression. */
function linesWithChinese (text: string): number {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
  return code.split('\n').filter((line) =>
    han.test(line) && (assertion.test(line) || (line.match(expression) ?? []).some((found) => han.test(found)))
  ).length
}

const found = new Map(
  globSync('test/**/*.ts', { cwd: root })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((file): [string, number] => [file, linesWithChinese(readFileSync(new URL(file, root), 'utf8'))])
    .filter(([, lines]) => lines > 0)
)

t.test('Chinese is looked for only where it is listed', async (t) => {
  const numbers = new Map(allowed.flatMap(({ files }) => Object.entries(files)))
  t.same([...found].filter(([file, lines]) => lines > (numbers.get(file) ?? 0)), [], 'more than is listed')
  t.same([...numbers].filter(([file, lines]) => lines > (found.get(file) ?? 0)), [], 'fewer: lower the number')
})
