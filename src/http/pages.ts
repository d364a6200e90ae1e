/**
 * The typed view models, by the name of the page. A handler answers with `reply.page(name, model)`; the model is
 * declared beside it and added here by declaration merging:
 *
 *   declare module '../../http/pages.ts' { interface Pages { 'login/password': PasswordPage } }
 */
import type * as phone from './pages/phone.ts'
import type * as other from './pages/other.ts'

export interface Pages {
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
