import t from 'tap'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import {
  logIn,
  logInForOrganization,
  nameOfPerson,
  organization,
  site,
  stillSignedIn,
  withSnippet
} from './support.ts'

const debian = '/usr/lib/python3/dist-packages'
const python = '/usr/bin/python3'
const common = {
  [python]: 'python3',
  [`${debian}/authlib`]: 'python3-authlib',
  [`${debian}/requests`]: 'python3-requests'
}

await withSnippet(
  t,
  'Authlib on Flask: login, userinfo, logout',
  { files: { ...common, [`${debian}/flask`]: 'python3-flask' } },
  async (t) => {
    const { kora, origin, run } = await site(t, 'flask')
    const program = await run(python, ['app.py'], { SESSION_KEY: randomBytes(32).toString('hex') })
    const browser = kora.newBrowser()
    const home = await logIn(browser, kora, `${origin}/`)
    t.match(JSON.parse(home.text), { name: nameOfPerson, acting: 'self', uscc: null }, program.output())
    const out = await browser.go(`${origin}/logout`, { method: 'POST' })
    t.equal(out.url, `${origin}/logged-out`)
    t.notOk(await stillSignedIn(browser, kora))

    t.match(JSON.parse((await logInForOrganization(kora.newBrowser(), kora, `${origin}/`)).text), {
      acting: 'legal_representative',
      uscc: organization.uscc
    })

    const begun = kora.newBrowser()
    await begun.go(`${origin}/login`)
    const mixed = await begun.go(`${origin}/callback?code=abc&state=forged&iss=${kora.issuer}`)
    t.equal(mixed.status, 400)
    t.match(mixed.text, /^login failed/)
  }
)

await withSnippet(
  t,
  'Authlib on Django: login, userinfo, logout',
  { files: { ...common, [`${debian}/django`]: 'python3-django' } },
  async (t) => {
    const { kora, origin, folder, port, run } = await site(t, 'django')
    // a project around the three files, the smallest there is
    mkdirSync(join(folder, 'site_app'))
    for (const name of ['views.py', 'urls.py']) renameSync(join(folder, name), join(folder, 'site_app', name))
    renameSync(join(folder, 'settings.py'), join(folder, 'site_app', 'kora_settings.py'))
    writeFileSync(join(folder, 'site_app', '__init__.py'), '')
    writeFileSync(
      join(folder, 'site_app', 'settings.py'),
      `
from .kora_settings import *
SECRET_KEY = '${randomBytes(32).toString('hex')}'
DEBUG = True
ALLOWED_HOSTS = ['localhost']
ROOT_URLCONF = 'site_app.urls'
INSTALLED_APPS = ['django.contrib.sessions']
MIDDLEWARE = ['django.contrib.sessions.middleware.SessionMiddleware']
SESSION_ENGINE = 'django.contrib.sessions.backends.file'
SESSION_FILE_PATH = '${folder}'
`
    )
    const program = await run(python, ['-m', 'django', 'runserver', '--noreload', `localhost:${port}`], {
      DJANGO_SETTINGS_MODULE: 'site_app.settings',
      PYTHONPATH: folder
    })
    const browser = kora.newBrowser()
    const home = await logIn(browser, kora, `${origin}/`)
    t.match(JSON.parse(home.text), { name: nameOfPerson, acting: 'self', uscc: null }, program.output())
    const out = await browser.go(`${origin}/logout`, { method: 'POST' })
    t.equal(out.url, `${origin}/logged-out`)
    t.notOk(await stillSignedIn(browser, kora))
  }
)
