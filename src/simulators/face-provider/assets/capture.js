/* Shows the camera's picture on this device. The picture goes nowhere: no canvas, no recording, no request. */
/* global document, isSecureContext, navigator, window */
const section = document.getElementById('camera')
const summary = document.querySelector('.summary')
if (summary) summary.focus()
if (section) {
  const picture = document.getElementById('picture')
  const status = document.getElementById('camera-status')
  const start = document.getElementById('camera-start')
  const stop = document.getElementById('camera-stop')
  let stream = null

  const say = (state) => { status.textContent = status.dataset[state] }
  const close = () => {
    for (const track of stream?.getTracks() ?? []) track.stop()
    stream = null
    picture.srcObject = null
    picture.hidden = true
    stop.hidden = true
    start.hidden = false
  }
  const reasons = {
    NotAllowedError: 'denied',
    SecurityError: 'denied',
    NotReadableError: 'busy',
    AbortError: 'busy',
    NotFoundError: 'none',
    OverconstrainedError: 'none'
  }

  section.hidden = false
  start.addEventListener('click', async () => {
    if (!navigator.mediaDevices?.getUserMedia) return say(isSecureContext ? 'unsupported' : 'insecure')
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: 'user', width: { ideal: 640 }, height: { ideal: 480 } },
        audio: false
      })
      picture.srcObject = stream
      picture.hidden = false
      stop.hidden = false
      start.hidden = true
      await picture.play()
      stop.focus()
      say('running')
    } catch (error) {
      close()
      say(reasons[error.name] ?? 'unsupported')
    }
  })
  stop.addEventListener('click', () => { close(); start.focus(); say('stopped') })
  window.addEventListener('pagehide', close)
}
