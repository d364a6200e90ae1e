/** The snippets there are: title, files, notes, and which of them the tests run with the real library. */
import { es256, notes, pkce, type Text } from './notes.ts'
import type { Values } from './values.ts'

export interface SnippetKind {
  id: string
  title: string
  /** Run against a started Kora by test/journeys/developers/snippets. */
  tested: boolean
  files: Array<{
    /** Template under templates/. */
    template: string
    language: 'js' | 'ts' | 'tsx' | 'java' | 'yaml' | 'csharp' | 'php' | 'python' | 'go' | 'toml' | 'nginx' | 'apache'
    /** Where it goes; may need values. */
    name: (values: Values) => string
  }>
  notes: readonly Text[]
  /** For libraries that choose the redirect URI themselves: the address to register, and values that follow from it. */
  own?: (values: Values) => { redirectUri: string } & Record<string, string>
}

const named = (name: string) => (): string => name

/** <basePath>/callback/<id>: taken apart when the address fits, else the library's usual one. */
function authJs ({ origin, redirectPath }: Values): { redirectUri: string; basePath: string; providerId: string } {
  const [, basePath = '/auth', providerId = 'kora'] = /^(\/.+)\/callback\/([\w-]+)$/.exec(String(redirectPath)) ?? []
  return { redirectUri: `${String(origin)}${basePath}/callback/${providerId}`, basePath, providerId }
}

function oauth2Proxy ({ origin, redirectPath }: Values): { redirectUri: string; proxyPrefix: string } {
  const proxyPrefix = /^(\/.+)\/callback$/.exec(String(redirectPath))?.[1] ?? '/oauth2'
  return { redirectUri: `${String(origin)}${proxyPrefix}/callback`, proxyPrefix }
}

export const kinds: readonly SnippetKind[] = [
  {
    id: 'express',
    title: 'Node.js · Express (openid-client)',
    tested: true,
    files: [{ template: 'express/server.mjs', language: 'js', name: named('server.mjs') }],
    notes: [notes.exact, notes.acting, notes.expressSession]
  },
  {
    id: 'authjs-express',
    title: 'Auth.js (Express)',
    tested: true,
    files: [
      { template: 'authjs/kora.mjs', language: 'js', name: named('kora.mjs') },
      { template: 'authjs/server.mjs', language: 'js', name: named('server.mjs') }
    ],
    notes: [notes.authPath, notes.authNonce, notes.authUserinfo, notes.authLogout],
    own: authJs
  },
  {
    id: 'nextjs',
    title: 'Next.js (Auth.js)',
    tested: false,
    files: [
      { template: 'authjs/kora.mjs', language: 'js', name: named('kora.mjs') },
      { template: 'authjs/auth.ts', language: 'ts', name: named('auth.ts') },
      {
        template: 'authjs/route.ts',
        language: 'ts',
        name: ({ basePath }) => `app${String(basePath)}/[...nextauth]/route.ts`
      },
      { template: 'authjs/page.tsx', language: 'tsx', name: named('app/page.tsx') }
    ],
    notes: [notes.authPath, notes.authNonce, notes.authUserinfo, notes.authLogout],
    own: authJs
  },
  {
    id: 'spring',
    title: 'Spring Security (Spring Boot)',
    tested: false,
    files: [
      { template: 'spring/application.yml', language: 'yaml', name: named('src/main/resources/application.yml') },
      { template: 'spring/SecurityConfig.java', language: 'java', name: named('SecurityConfig.java') },
      { template: 'spring/MeController.java', language: 'java', name: named('MeController.java') }
    ],
    notes: [es256, notes.springPkce, notes.springBack, notes.exact]
  },
  {
    id: 'sa-token',
    title: 'RuoYi 若依 / Sa-Token / JeecgBoot',
    tested: false,
    files: [
      { template: 'sa-token/KoraLoginController.java', language: 'java', name: named('KoraLoginController.java') }
    ],
    notes: [es256, notes.ruoyi, notes.ruoyiUser, notes.acting]
  },
  {
    id: 'aspnet',
    title: 'ASP.NET Core',
    tested: false,
    files: [{ template: 'aspnet/Program.cs', language: 'csharp', name: named('Program.cs') }],
    notes: [notes.aspForm, notes.aspMap, notes.exact]
  },
  {
    id: 'php',
    title: 'Laravel / ThinkPHP',
    tested: false,
    files: [{ template: 'php/KoraController.php', language: 'php', name: named('KoraController.php') }],
    notes: [notes.phpAlg, notes.phpThink, notes.exact]
  },
  {
    id: 'django',
    title: 'Python · Django (Authlib)',
    tested: true,
    files: [
      { template: 'django/settings.py', language: 'python', name: named('settings.py') },
      { template: 'django/views.py', language: 'python', name: named('views.py') },
      { template: 'django/urls.py', language: 'python', name: named('urls.py') }
    ],
    notes: [notes.authlibPkce, notes.sameSite, notes.exact]
  },
  {
    id: 'flask',
    title: 'Python · Flask (Authlib)',
    tested: true,
    files: [{ template: 'flask/app.py', language: 'python', name: named('app.py') }],
    notes: [notes.authlibPkce, notes.sameSite, notes.flaskCookie]
  },
  {
    id: 'go',
    title: 'Go (go-oidc)',
    tested: true,
    files: [{ template: 'go/main.go', language: 'go', name: named('main.go') }],
    notes: [notes.goAlg, notes.goSecret, notes.acting]
  },
  {
    id: 'nginx',
    title: 'nginx + oauth2-proxy',
    tested: false,
    files: [
      { template: 'nginx/oauth2-proxy.cfg', language: 'toml', name: named('oauth2-proxy.cfg') },
      { template: 'nginx/site.conf', language: 'nginx', name: named('/etc/nginx/conf.d/site.conf') }
    ],
    notes: [pkce, notes.proxyEmail, notes.proxyNested],
    own: oauth2Proxy
  },
  {
    id: 'apache',
    title: 'Apache (mod_auth_openidc)',
    tested: true,
    files: [
      { template: 'apache/kora.conf', language: 'apache', name: named('/etc/apache2/conf-available/kora.conf') }
    ],
    notes: [notes.apachePkce, notes.apacheSameSite, notes.apacheRedirect, notes.apacheNames]
  },
  {
    id: 'wechat',
    title: '微信小程序后端 (Express)',
    tested: true,
    files: [{ template: 'wechat/server.mjs', language: 'js', name: named('server.mjs') }],
    notes: [notes.wechatView, notes.wechatTicket, notes.acting]
  }
]
