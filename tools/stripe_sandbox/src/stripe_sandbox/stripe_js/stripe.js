// A stand-in for Stripe.js: the calls that our pages make, and no other. As Stripe's, it keeps the card fields in a
// frame with the title "Secure payment input frame", and the page that holds the frame never sees a card number.
;(() => {
  const base = new URL('.', document.currentScript.src)

  const post = async (path, fields) => {
    const body = new URLSearchParams(fields)
    try {
      const answer = await fetch(new URL(`v1/${path}`, base), { method: 'POST', body })
      const read = await answer.json()
      return answer.ok ? { body: read } : { error: read.error }
    } catch {
      return { error: { type: 'api_connection_error', message: 'The payment service could not be reached.' } }
    }
  }

  class PaymentElement {
    constructor(elements) {
      this.elements = elements
      this.handlers = {}
      this.waiting = new Map()
      this.hear = this.hear.bind(this)
    }

    on(name, handler) {
      this.handlers[name] = [...(this.handlers[name] ?? []), handler]
      return this
    }

    off(name) {
      delete this.handlers[name]
      return this
    }

    emit(name, event) {
      for (const handler of this.handlers[name] ?? []) handler({ elementType: 'payment', ...event })
    }

    hear({ source, origin, data }) {
      if (!this.frame || source !== this.frame.contentWindow || origin !== base.origin) return
      if (data.height) this.frame.style.height = `${data.height}px`
      if (data.kind === 'ready') {
        this.look()
        this.emit('ready')
      }
      if (data.kind === 'change') {
        this.emit('change', { complete: data.complete, empty: data.empty, collapsed: false, value: { type: 'card' } })
      }
      if (data.kind === 'answer') {
        this.waiting.get(data.id)?.(data)
        this.waiting.delete(data.id)
      }
    }

    mount(target) {
      const place = typeof target === 'string' ? document.querySelector(target) : target
      if (!place) throw new Error('the element to mount in does not exist')
      addEventListener('message', this.hear)
      const frame = document.createElement('iframe')
      frame.title = 'Secure payment input frame'
      frame.src = new URL('elements.html', base).href
      frame.allow = 'payment *'
      Object.assign(frame.style, { border: '0', width: '100%', height: '152px', display: 'block' })
      frame.addEventListener('error', () => this.emit('loaderror', { error: { type: 'api_connection_error' } }))
      this.frame = frame
      place.replaceChildren(frame)
    }

    look() {
      const { theme, variables, rules } = this.elements.settings.appearance ?? {}
      const border = rules?.['.Input']?.border
      this.frame?.contentWindow.postMessage({ kind: 'appearance', theme, variables, border }, base.origin)
    }

    ask(kind, extra = {}) {
      if (!this.frame) throw new Error('the element is not mounted')
      const id = crypto.randomUUID()
      return new Promise((resolve) => {
        this.waiting.set(id, resolve)
        this.frame.contentWindow.postMessage({ kind, id, ...extra }, base.origin)
      })
    }

    update() {}

    focus() {
      this.frame?.focus()
    }

    unmount() {
      removeEventListener('message', this.hear)
      this.frame?.remove()
      this.frame = null
    }

    destroy() {
      this.unmount()
      this.elements.element = null
    }
  }

  class Elements {
    constructor(settings) {
      check(settings)
      this.settings = settings
      this.element = null
    }

    create(type) {
      if (type !== 'payment') throw new Error(`the stand-in has no ${type} element`)
      if (this.element) throw new Error('Can only create one Element of type payment through one elements instance.')
      this.element = new PaymentElement(this)
      return this.element
    }

    getElement(type) {
      return type === 'payment' ? this.element : null
    }

    update(settings) {
      const next = { ...this.settings, ...settings }
      check(next)
      this.settings = next
      if (settings.appearance) this.element?.look()
    }

    async fetchUpdates() {
      return {}
    }

    async submit() {
      const { error } = await this.element.ask('validate')
      return error ? { error } : { selectedPaymentMethod: 'card' }
    }
  }

  /** What Stripe refuses of the deferred mode's settings. */
  function check({ mode, amount, currency }) {
    if (!['payment', 'setup', 'subscription'].includes(mode)) throw new Error(`Invalid value for mode: ${mode}`)
    if (!/^[a-z]{3}$/.test(currency ?? '')) throw new Error('currency must be three letters in lower case')
    if (mode === 'payment' && !(Number.isInteger(amount) && amount > 0)) {
      throw new Error('amount must be greater than 0 in payment mode')
    }
    if (mode === 'subscription' && !(Number.isInteger(amount) && amount >= 0)) {
      throw new Error('amount must be at least 0 in subscription mode')
    }
  }

  /** The bank's question. Answers whether the buyer confirmed it. */
  function challenge() {
    return new Promise((resolve) => {
      const dialog = document.createElement('dialog')
      dialog.setAttribute('aria-labelledby', 'stand-in-bank')
      Object.assign(dialog.style, {
        margin: 'auto',
        padding: '24px',
        border: '1px solid',
        borderRadius: '12px',
        maxWidth: '360px',
        background: 'Canvas',
        color: 'CanvasText',
      })
      const title = document.createElement('h2')
      title.id = 'stand-in-bank'
      title.textContent = '3D Secure 2 test page'
      Object.assign(title.style, { margin: '0 0 8px', fontSize: '18px', fontWeight: '600' })
      const text = document.createElement('p')
      text.textContent = 'Your bank asks whether this payment is yours.'
      Object.assign(text.style, { margin: '0 0 16px' })
      const answer = (label, isConfirmed) => {
        const button = document.createElement('button')
        button.type = 'button'
        button.textContent = label
        Object.assign(button.style, {
          display: 'block',
          width: '100%',
          minHeight: '44px',
          marginTop: '8px',
          border: '1px solid',
          borderRadius: '8px',
          cursor: 'pointer',
        })
        button.addEventListener('click', () => close(isConfirmed))
        return button
      }
      const close = (isConfirmed) => {
        dialog.close()
        dialog.remove()
        resolve(isConfirmed)
      }
      dialog.addEventListener('cancel', () => close(false))
      dialog.append(title, text, answer('Complete authentication', true), answer('Fail authentication', false))
      document.body.append(dialog)
      dialog.showModal()
    })
  }

  const secretOf = (clientSecret) => {
    const found = /^((pi|seti)_\w+?)_secret_\w+$/.exec(clientSecret ?? '')
    if (!found) throw new Error('Invalid value for clientSecret')
    return { id: found[1], isPayment: found[2] === 'pi', path: found[2] === 'pi' ? 'payment_intents' : 'setup_intents' }
  }

  window.Stripe = (key) => {
    if (!/^pk_test_/.test(key ?? '')) throw new Error('This is a stand-in for Stripe: it takes a test key alone.')

    const named = (isPayment, intent) => (isPayment ? { paymentIntent: intent } : { setupIntent: intent })

    async function authenticated(clientSecret, intent) {
      const { id, isPayment, path } = secretOf(clientSecret)
      if (intent && intent.status !== 'requires_action') return named(isPayment, intent)
      const success = await challenge()
      const fields = { key, client_secret: clientSecret, success: String(success) }
      const { body, error } = await post(`${path}/${id}/_authenticate`, fields)
      if (error) return { error }
      const failure = body.last_payment_error ?? body.last_setup_error
      return failure && body.status !== 'succeeded' ? { error: failure } : named(isPayment, body)
    }

    return {
      elements: (settings) => new Elements(settings),

      async createConfirmationToken({ elements, params = {} }) {
        const { settings, element } = elements
        const setup = settings.mode === 'payment' ? settings.setupFutureUsage : 'off_session'
        const billing = params.payment_method_data?.billing_details
        const { token, error } = await element.ask('token', { key, setup, billing })
        return error ? { error } : { confirmationToken: token }
      },

      handleNextAction: ({ clientSecret }) => authenticated(clientSecret),

      async confirmSetup({ elements, clientSecret, confirmParams = {} }) {
        const made = await this.createConfirmationToken({ elements, params: confirmParams })
        if (made.error) return made
        const { id, path } = secretOf(clientSecret)
        const fields = { key, client_secret: clientSecret, confirmation_token: made.confirmationToken.id }
        const { body, error } = await post(`${path}/${id}/confirm`, fields)
        return error ? { error } : authenticated(clientSecret, body)
      },

      registerAppInfo() {},
    }
  }
  window.Stripe.version = 'stand-in'
})()
