/**
 * The typed view models: one entry for each template under views/, by its name. A handler answers with
 * `reply.page(name, model)`. Features with pages of their own add them by declaration merging:
 *
 *   declare module '../../http/pages.ts' { interface Pages { 'user-centre/home': HomeOfUserCentre } }
 */
import type * as interaction from './pages/interaction.ts'
import type * as phone from './pages/phone.ts'
import type * as other from './pages/other.ts'

export interface Pages {
  'interaction/login': interaction.LoginPage
  'interaction/qr': interaction.QrPage
  'interaction/counter': interaction.CounterPage
  'interaction/select': interaction.SelectPage
  'interaction/agent': interaction.AgentPage
  'interaction/standing': interaction.StandingPage
  'interaction/consent': interaction.ConsentPage
  'interaction/done': interaction.DonePage
  'phone/landing': phone.LandingPage
  'phone/confirm': phone.ConfirmPage
  'phone/identity': phone.IdentityPage
  'phone/identity-check': phone.IdentityCheckPage
  'phone/face': phone.FacePage
  'phone/counter': phone.PhoneCounterPage
  'phone/result': phone.ResultPage
  'phone/refused': phone.RefusedPage
  'logout/confirm': other.LogoutConfirmPage
  'logout/done': other.LogoutDonePage
  error: other.ErrorPage
  home: other.HomePage
  'help/index': other.HelpPage
  'help/privacy': other.HelpPage
  'help/terms': other.HelpPage
  'help/accessibility': other.HelpPage
  'help/manual': other.HelpPage
  'help/registration': other.HelpPage
}

export type PageName = keyof Pages
export type { FieldError, FormTarget, NamedLink, RelyingSite, Tab } from './pages/common.ts'
export type { ErrorKey } from './pages/other.ts'
export type { RefusalCode } from './pages/phone.ts'
