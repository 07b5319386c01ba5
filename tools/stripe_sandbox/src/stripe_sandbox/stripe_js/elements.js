// The card form's frame: it alone sees the card, and sends it to the stand-in itself.
const form = document.forms[0]
const { number, expiry, cvc } = form.elements
const alertBox = document.querySelector('[role=alert]')
const tell = (message) => parent.postMessage({ source: 'stripe-stand-in', ...message }, location.origin)
const digits = (field) => field.value.replace(/\D/g, '')

function parts() {
  const [month = '', year = ''] = expiry.value.split('/').map((part) => part.trim())
  return { number: digits(number), exp_month: month, exp_year: year.length === 2 ? `20${year}` : year, cvc: digits(cvc) }
}

const luhn = (text) => {
  const sum = [...text].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 ? 2 : 1)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0
}

function problem() {
  const card = parts()
  if (card.number.length < 14) return [number, 'incomplete_number', 'Your card number is incomplete.']
  if (!luhn(card.number)) return [number, 'invalid_number', 'Your card number is invalid.']
  const month = Number(card.exp_month)
  if (!/^\d{4}$/.test(card.exp_year) || !(month >= 1 && month <= 12)) {
    return [expiry, 'incomplete_expiry', "Your card's expiration date is incomplete."]
  }
  const now = new Date()
  if (Number(card.exp_year) * 12 + month < now.getFullYear() * 12 + now.getMonth() + 1) {
    return [expiry, 'invalid_expiry_year_past', "Your card's expiration year is in the past."]
  }
  if (card.cvc.length < 3) return [cvc, 'incomplete_cvc', "Your card's security code is incomplete."]
  return null
}

const resized = () => tell({ kind: 'height', height: form.offsetHeight })

function show(found) {
  for (const field of [number, expiry, cvc]) field.removeAttribute('aria-invalid')
  found?.[0].setAttribute('aria-invalid', 'true')
  alertBox.textContent = found?.[2] ?? ''
  resized()
}

form.addEventListener('submit', (event) => event.preventDefault())
form.addEventListener('input', ({ target }) => {
  const text = target.value.replace(/\D/g, '')
  if (target === number) target.value = text.slice(0, 19).replace(/(\d{4})(?=\d)/g, '$1 ')
  if (target === expiry && text.length >= 2) target.value = `${text.slice(0, 2)} / ${text.slice(2, 4)}`
  if (target === expiry && text.length < 2) target.value = text
  if (target === cvc) target.value = text.slice(0, 4)
  show(null)
  const isEmpty = !number.value && !expiry.value && !cvc.value
  tell({ kind: 'change', complete: problem() === null, empty: isEmpty })
})
form.addEventListener('keydown', ({ key, target }) => {
  // Backspace takes the slash along with the digit before it.
  if (key === 'Backspace' && target === expiry && expiry.value.endsWith(' / ')) expiry.value = digits(expiry)
})

async function token({ key, setup, billing }) {
  const body = new URLSearchParams({ key, 'payment_method_data[type]': 'card' })
  for (const [name, value] of Object.entries(parts())) body.append(`payment_method_data[card][${name}]`, value)
  for (const name of ['email', 'name', 'phone']) {
    if (billing?.[name]) body.append(`payment_method_data[billing_details][${name}]`, billing[name])
  }
  for (const [name, value] of Object.entries(billing?.address ?? {})) {
    if (value) body.append(`payment_method_data[billing_details][address][${name}]`, value)
  }
  if (setup) body.append('setup_future_usage', setup)
  const answer = await fetch('v1/confirmation_tokens', { method: 'POST', body })
  const read = await answer.json()
  return answer.ok ? { token: read } : { error: read.error }
}

addEventListener('message', async ({ source, origin, data }) => {
  if (source !== parent || origin !== location.origin) return
  if (data.kind === 'appearance') {
    for (const [name, value] of Object.entries(data.variables ?? {})) {
      document.documentElement.style.setProperty(`--${name}`, value)
    }
    document.documentElement.style.colorScheme = data.theme === 'night' ? 'dark' : 'light'
    if (data.border) document.documentElement.style.setProperty('--border', data.border)
  }
  if (data.kind === 'validate') {
    const found = problem()
    show(found)
    found?.[0].focus()
    tell({ kind: 'answer', id: data.id, error: found && { type: 'validation_error', code: found[1], message: found[2] } })
  }
  if (data.kind === 'token') {
    const made = await token(data).catch(() => ({
      error: { type: 'api_connection_error', message: 'The payment service could not be reached.' },
    }))
    tell({ kind: 'answer', id: data.id, ...made })
  }
})
addEventListener('resize', resized)
tell({ kind: 'ready', height: form.offsetHeight })
