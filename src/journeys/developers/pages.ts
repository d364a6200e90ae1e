/** View models of the developer documentation. */
import type { Snippet } from './snippets/index.ts'
import type { Words } from './texts.ts'

export interface DeveloperFrame {
  w: Words
  /** Language of the content; Tibetan readers get Chinese. */
  lang: 'zh-CN' | 'en'
  styles: string
  script: string
  nav: Array<{ title: string; href: string; current: boolean }>
}

/** One document: its HTML is ours, rendered at start from views/developers. */
export interface DocumentPage extends DeveloperFrame {
  title: string
  html: string
}

export interface NotFoundPage extends DeveloperFrame {
  nearest: Array<{ title: string; href: string }>
}

export interface CodePage extends DeveloperFrame {
  title: string
  values: { client_id: string; redirect_uri: string; post_logout_redirect_uri: string; scope: string; public: boolean }
  faults: Array<{ field: string; text: string }>
  snippets: Snippet[]
}

export interface TryPage extends DeveloperFrame {
  title: string
  scopes: Array<{ name: string; claims: string; checked: boolean }>
  acrValues: Array<{ value: string; label: string }>
}

/** A request or an answer, as it went over the wire. */
export interface Wire {
  id: string
  label: string
  text: string
}

export interface TryStepPage extends DeveloperFrame {
  title: string
  intro: string
  wires: Wire[]
  /** Tokens that the page's own script decodes; without script they stand in the answers above. */
  jwts: Array<{ id: string; label: string; text: string }>
  go: { href: string; label: string } | null
  /** Address of the end of the session, with the ID token as its hint. */
  logout: string | null
  /** Something went wrong: the page has the number that support can find. */
  refused: boolean
}

declare module '../../http/pages.ts' {
  interface Pages {
    'developers/document': DocumentPage
    'developers/not-found': NotFoundPage
    'developers/code': CodePage
    'developers/try': TryPage
    'developers/try-step': TryStepPage
  }
}
