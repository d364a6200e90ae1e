// Passkeys (WebAuthn): fetches the challenge, asks the authenticator, puts the answer into the form and posts it.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const text = (buffer) => buffer ? btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '') : undefined
const listed = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }))

async function ask (kind, options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) }
  if (kind === 'create') {
    publicKey.user = { ...options.user, id: bytes(options.user.id) }
    publicKey.excludeCredentials = listed(options.excludeCredentials)
  } else publicKey.allowCredentials = listed(options.allowCredentials)
  const made = await navigator.credentials[kind]({ publicKey })
  const { response } = made
  return JSON.stringify({
    id: made.id,
    rawId: text(made.rawId),
    type: made.type,
    authenticatorAttachment: made.authenticatorAttachment || undefined,
    clientExtensionResults: made.getClientExtensionResults(),
    response: {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      authenticatorData: text(response.authenticatorData),
      signature: text(response.signature),
      userHandle: text(response.userHandle),
      transports: response.getTransports ? response.getTransports() : undefined
    }
  })
}

function arm (part, form, button, kind) {
  const says = part.querySelector('[data-says]')
  const say = (words) => { says.textContent = words; says.hidden = !words }
  const go = async (event) => {
    event.preventDefault()
    say('')
    button.disabled = true
    try {
      const answer = await fetch(part.dataset.options, { method: 'POST', body: new URLSearchParams(new FormData(form)), headers: { accept: 'application/json' } })
      if (answer.status === 422) { say(part.dataset.fields); return }
      if (!answer.ok) throw new Error(String(answer.status))
      form.elements.credential.value = await ask(kind, await answer.json())
      form.submit()
    } catch {
      say(part.dataset.failed)
    } finally {
      button.disabled = false
    }
  }
  if (button.type === 'submit') form.addEventListener('submit', go)
  else button.addEventListener('click', go)
  part.hidden = false
}

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll('form[data-passkey]')) arm(form, form, form.querySelector('button'), form.dataset.passkey)
  for (const part of document.querySelectorAll('[data-passkey-part]')) arm(part, part.closest('form'), part.querySelector('[data-enrol]'), part.dataset.passkeyPart)
}
