import { demoOrganizations } from '../../src/simulators/demo-organizations.ts'

/** The code (统一社会信用代码) of an organization of the demo data. */
export function codeOf (handle: string): string {
  const found = demoOrganizations.find((organization) => organization.handle === handle)
  if (found === undefined) throw new Error(`no organization ${handle}`)
  return found.uscc
}
