// Progressive enhancement only: every page works without this file.
const $ = (selector, root = document) => root.querySelector(selector)
const $$ = (selector, root = document) => root.querySelectorAll(selector)

// focus: the error summary, or the heading of a result page
$('[data-focus]')?.focus()

// show and hide the password
for (const button of $$('[data-reveal]')) {
  const input = document.getElementById(button.dataset.reveal)
  const off = button.textContent
  const offLabel = button.getAttribute('aria-label')
  const set = show => {
    input.type = show ? 'text' : 'password'
    button.textContent = show ? button.dataset.on : off
    button.setAttribute('aria-label', show ? button.dataset.onLabel : offLabel)
  }
  button.hidden = false
  button.addEventListener('click', () => set(input.type === 'password'))
  input.form?.addEventListener('submit', () => set(false)) // so that browsers offer to save it
}

// no double submits on slow networks
for (const form of $$('form[data-once]')) {
  form.addEventListener('submit', event => {
    const buttons = [...$$('button', form)].filter(button => button.type === 'submit')
    const pressed = event.submitter ?? buttons[0]
    const text = pressed.textContent
    // later, or the pressed button's value would not be sent
    setTimeout(() => { for (const button of buttons) button.disabled = true; if (!pressed.matches('.choice')) pressed.textContent = form.dataset.busy })
    addEventListener('pageshow', () => { for (const button of buttons) button.disabled = false; if (!pressed.matches('.choice')) pressed.textContent = text }, { once: true })
  })
}

for (const box of $$('[data-work]')) import(box.dataset.work).then(work => work.default(box))

// go on after success; ask again for a result that is not there yet
const go = $('[data-go]')
if (go) setTimeout(() => location.replace(go.href), go.dataset.go * 1000)
const again = $('[data-again]')
if (again) setTimeout(() => again.requestSubmit(), again.dataset.again * 1000)

// dates of a document: a pasted date fills all three fields, the end date is derived (GA 214.8-2004)
const end = $('[data-end]')
if (end) {
  const [year, month, day, hidden, number] = ['year', 'month', 'day', 'valid_to', 'cert_no'].map(id => document.getElementById(id))
  const terms = [...$$('input[name=term]')]
  const leap = y => (y % 4 === 0 && y % 100 !== 0) || y % 400 === 0
  const two = n => String(n).padStart(2, '0')
  const shown = n => 'pad' in end.dataset ? two(n) : n
  const plain = input => Number(input.value.normalize('NFKC').trim())
  const derive = () => {
    const y = plain(year); const m = plain(month); const d = plain(day)
    const date = new Date(Date.UTC(y, m - 1, d))
    const real = y > 1900 && y < 2100 && date.getUTCMonth() === m - 1 && date.getUTCDate() === d
    const born = /^\d{6}(\d{4})(\d\d)(\d\d)\d{3}[\dX]$/i.exec(number.value.trim())
    if (real && born && !terms.some(term => term.checked)) { // 居民身份证法 art. 5; a suggestion only
      const age = y - born[1] - (m * 100 + d < born[2] * 100 + Number(born[3]) ? 1 : 0)
      const fits = age < 16 ? '5' : age < 26 ? '10' : age < 46 ? '20' : 'long'
      terms.find(term => term.value === fits).checked = true
    }
    const term = terms.find(item => item.checked)?.value
    end.hidden = !(real && term)
    hidden.value = ''
    if (end.hidden) return
    const last = y + Number(term)
    const shifted = m === 2 && d === 29 && !leap(last)
    const [em, ed] = shifted ? [3, 1] : [m, d]
    hidden.value = term === 'long' ? 'long' : `${last}-${two(em)}-${two(ed)}`
    const text = term === 'long' ? end.dataset.long : end.dataset.format.replace('%y', last).replace('%m', shown(em)).replace('%d', shown(ed))
    if ($('output', end).textContent !== text) $('output', end).textContent = text
  }
  year.addEventListener('paste', event => {
    const parts = /(\d{4})\D+(\d{1,2})\D+(\d{1,2})|^\s*(\d{4})(\d\d)(\d\d)\s*$/.exec(event.clipboardData.getData('text').normalize('NFKC'))
    if (!parts) return
    event.preventDefault();
    [year.value, month.value, day.value] = parts.slice(1).filter(Boolean)
    derive()
  })
  for (const input of [year, month, day, number, ...terms]) input.addEventListener('change', derive)
  for (const input of [year, month, day]) input.addEventListener('input', derive)
  derive()
}

// QR page: pushed by SSE; polling when the stream is silent or the browser has none
const qr = $('#qr')
if (qr) {
  const status = $('#qr-status')
  const left = $('#qr-left')
  const data = qr.dataset
  let until = Date.now() + data.left * 1000
  let last = Date.now()
  let renewals = Number(data.renewals)
  let source, timer, done, said, told, renewing
  const say = text => { if (status.textContent !== text) status.textContent = text }
  const address = what => `${data.base}/${data.id}/${what}`
  const paint = state => {
    data.state = state
    const final = /rejected|failed|expired|superseded/.test(state)
    qr.classList.toggle('final', final)
    qr.classList.toggle('going', !final && state !== 'waiting')
    if (!final) return
    done = true
    close()
    $('#qr-new').classList.replace('second', 'main')
    const fold = $('.other-phone', qr) // the renew button is in there
    if (fold) fold.open = true
  }
  const apply = event => {
    last = Date.now()
    if (event.state === 'expired' && data.state === 'waiting' && renewals < 3) {
      if (!document.hidden) return void renew(event) // hidden: when somebody looks again
      until = 0
      return void close()
    }
    until = last + event.left * 1000
    if (event.svg) {
      const code = $('#qr-code'), sandbox = $('#qr-sandbox')
      code.innerHTML = event.svg
      code.dataset.payload = event.payload
      // on the phone itself too: no old code
      for (const link of $$('.same a[href*="/q/"]', qr)) link.href = event.payload
      if (sandbox) sandbox.search = `?payload=${encodeURIComponent(event.payload)}`
    }
    // a face check that failed changes the sentence and not the state
    if (data.state !== event.state || (told && told !== event.text) || status.textContent === data.offline) say(event.text)
    told = event.text
    paint(event.state)
    if (event.next) { done = true; close(); location.replace(event.next) }
    tick()
  }
  // what the renew button does, without leaving the page
  const renew = async expired => {
    if (renewing) return
    renewing = true
    close()
    try {
      const form = $('#qr-renew')
      const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) })
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
      const fresh = $('#qr', page)
      if (!answer.ok || fresh?.dataset.state !== 'waiting') throw new Error('no code')
      Object.assign(data, { id: fresh.dataset.id, state: 'waiting', left: fresh.dataset.left })
      for (const part of ['#qr-code', '.match-n', '.same']) [...$$(part, qr)].forEach((old, at) => { const now = $$(part, page)[at]; if (now) old.innerHTML = now.innerHTML })
      $('#qr-check').action = $('#qr-check', page).action
      renewals = Math.max(renewals + 1, Number(fresh.dataset.renewals))
      said = false
      until = Date.now() + data.left * 1000
      open()
    } catch {
      renewals = 3
      apply(expired ?? { state: 'expired', left: 0, text: status.textContent })
    } finally { renewing = false }
  }
  const close = () => { source?.close(); source = null; clearTimeout(timer) }
  const once = () => fetch(address('state'), { cache: 'no-store', headers: { accept: 'application/json' } }).then(answer => answer.json()).then(apply)
  const polling = () => {
    close()
    if (!done) timer = setTimeout(() => once().catch(() => say(data.offline)).finally(() => { if (!source && !renewing) polling() }), 3000)
  }
  const open = () => {
    close()
    if (done) return
    if (!window.EventSource) return polling()
    source = new EventSource(address('events'))
    source.addEventListener('state', event => apply(JSON.parse(event.data)))
    for (const sign of ['open', 'ping']) source.addEventListener(sign, () => { last = Date.now() })
    // an interrupted stream opens itself again
    source.onerror = () => { if (!done && source?.readyState === 2) polling() }
  }
  const tick = () => {
    if (done) return
    const n = Math.max(0, Math.round((until - Date.now()) / 1000))
    left.textContent = data.unit.replace('%m', Math.floor(n / 60)).replace('%s', n % 60)
    if (n <= 30 && n > 0 && !said && data.state === 'waiting' && renewals >= 3) { said = true; say(data.soon.replace('%n', n)) }
    if (Date.now() - last > 25000 && source) polling() // a proxy holds the stream back: a ping comes every 10 s
  }
  document.addEventListener('visibilitychange', () => { if (!document.hidden && !done && !renewing) { once().catch(() => {}); open() } })
  addEventListener('pagehide', close)
  setInterval(tick, 1000)
  paint(data.state)
  if (!done) open()
}
