// Pages read without this: copy buttons, and tokens decoded where they are shown.
const part = text => JSON.stringify(JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), char => char.charCodeAt(0)))), null, 2)

for (const box of document.querySelectorAll('[data-jwt]')) {
  try {
    const [header, payload] = box.dataset.jwt.split('.')
    box.querySelector('code').textContent = `${part(header)}\n.\n${part(payload)}`
    box.hidden = false
  } catch {} // the raw text is on the page
}

for (const button of document.querySelectorAll('[data-copy]')) {
  const status = button.nextElementSibling
  button.hidden = false
  button.addEventListener('click', async () => {
    const block = document.getElementById(button.dataset.copy)
    let done = true
    try {
      await navigator.clipboard.writeText(block.value ?? block.textContent)
    } catch {
      // no clipboard without https: select, and let the old way try
      if (block.select) block.select()
      else getSelection().selectAllChildren(block)
      done = document.execCommand('copy')
    }
    status.textContent = ''
    setTimeout(() => { status.textContent = done ? button.dataset.done : button.dataset.failed })
  })
}
