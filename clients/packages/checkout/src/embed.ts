import { type CheckoutMessage, type EmbedEvents, type LoadedMessage, POLAR_CHECKOUT } from './messages'

export type Theme = 'light' | 'dark'

export interface EmbedOptions {
  /** The look of the checkout; `light` unless the URL has a `theme`. */
  theme?: Theme | undefined
  /** Where the hosted pages are, when that is another address than a checkout link's, and this script is bundled. */
  origin?: string | undefined
  /** The same as a listener for `loaded`. */
  onLoaded?: ((event: CustomEvent<LoadedMessage>) => void) | undefined
}

export interface InlineOptions extends EmbedOptions {
  /** Where the checkout is shown; what is in there is replaced. */
  element: HTMLElement
}

type Listener<Name extends keyof EmbedEvents> = (event: CustomEvent<EmbedEvents[Name]>) => void

/** How long after its load a frame may stay silent before it counts as refused. */
const SILENT_MS = 3000
const TRIGGER = 'data-polar-checkout'

/** Where this script came from, which may be another address than the one of a checkout link; null in a bundle. */
const home = (globalThis.document?.currentScript as HTMLScriptElement | null)?.src

/** A checkout inside the page of a seller: in a modal, or inline. */
class EmbedCheckout {
  private static modal: EmbedCheckout | undefined

  private readonly events = new EventTarget()
  private readonly frame = document.createElement('iframe')
  private readonly dialog: HTMLDialogElement | undefined
  private readonly origins: string[]
  private readonly settled: Promise<EmbedCheckout>
  private settle!: (refusal?: Error) => void
  private unlockScroll = () => {}
  private hasOpened = false
  private isLoaded = false
  private isClosable = true
  private timer: ReturnType<typeof setTimeout> | undefined

  private constructor(address: string, options: EmbedOptions, element?: HTMLElement) {
    const url = new URL(address, location.href)
    if (!/^https?:$/.test(url.protocol)) throw new TypeError(`This is no checkout: ${address}`)
    this.origins = [url.href, home, options.origin].flatMap((place) => (place ? new URL(place).origin : []))
    const query = url.searchParams
    query.set('embed', 'true')
    query.set('embed_origin', location.origin)
    if (element) query.set('embed_mode', 'inline')
    const theme = options.theme ?? query.get('theme') ?? 'light'
    query.set('theme', theme)
    this.settled = new Promise((resolve, reject) => {
      this.settle = (refusal) => (refusal ? reject(refusal) : resolve(this))
    })
    if (options.onLoaded) this.addEventListener('loaded', options.onLoaded, { once: true })

    const { frame } = this
    frame.title = 'Checkout'
    frame.allow = ['payment', 'publickey-credentials-get', 'clipboard-write']
      .map((feature) => [feature, ...this.origins].join(' '))
      .join(';')
    frame.src = url.href
    // A frame without a message is one that the browser, or the server, refused.
    frame.onload = () => {
      if (!this.hasOpened) this.timer ??= setTimeout(() => this.refuse(url.origin), SILENT_MS)
    }
    addEventListener('message', this.receive)
    Object.assign(frame.style, { border: '0', width: '100%', colorScheme: theme })
    if (element) {
      frame.style.height = '640px'
      element.replaceChildren(frame)
    } else {
      this.dialog = this.open()
    }
  }

  /**
   * Opens a checkout in a modal. `url` is a checkout's, or a checkout link's.
   *
   * Resolves when the checkout is drawn, or when the buyer closed it before. Rejects where it may not be shown here;
   * the console then says what to do.
   */
  static async create(url: string, options: EmbedOptions | Theme = {}): Promise<EmbedCheckout> {
    EmbedCheckout.modal?.close()
    EmbedCheckout.modal = new EmbedCheckout(url, typeof options === 'string' ? { theme: options } : options)
    return EmbedCheckout.modal.settled
  }

  /** Shows a checkout inside an element; it becomes as high as its content. */
  static createInline(url: string, { element, ...options }: InlineOptions): EmbedCheckout {
    const embed = new EmbedCheckout(url, options, element)
    embed.settled.catch(() => {})
    return embed
  }

  /**
   * Makes every element with `data-polar-checkout` open its checkout: the `href` of a link, or the attribute's value.
   * `data-polar-checkout-theme` is the theme. Call it again for elements that were added later.
   */
  static init(): void {
    for (const element of document.querySelectorAll<HTMLElement>(`[${TRIGGER}]`)) {
      element.addEventListener('click', follow)
    }
  }

  /** Takes the checkout away, whatever it is doing. A payment under way goes on. */
  close(): void {
    removeEventListener('message', this.receive)
    clearTimeout(this.timer)
    this.unlockScroll()
    this.unlockScroll = () => {}
    if (EmbedCheckout.modal === this) EmbedCheckout.modal = undefined
    if (this.dialog) {
      this.dialog.onclose = null
      // Closing gives the focus back to where it was.
      this.dialog.close()
      this.dialog.remove()
    }
    this.frame.remove()
    this.settle()
  }

  /** Listens for an event. `preventDefault()` on it leaves out what happens next by itself. */
  addEventListener<Name extends keyof EmbedEvents>(
    type: Name,
    listener: Listener<Name>,
    options?: AddEventListenerOptions | boolean,
  ): void {
    this.events.addEventListener(type, listener as EventListener, options)
  }

  removeEventListener<Name extends keyof EmbedEvents>(type: Name, listener: Listener<Name>): void {
    this.events.removeEventListener(type, listener as EventListener)
  }

  /** The modal over the page, with a turning circle until the checkout is drawn. */
  private open(): HTMLDialogElement {
    const dialog = document.createElement('dialog')
    const spinner = document.createElement('div')
    dialog.ariaLabel = 'Checkout'
    dialog.ariaModal = 'true'
    dialog.ariaBusy = 'true'
    dialog.dataset.lenisPrevent = ''
    Object.assign(dialog.style, {
      position: 'fixed',
      inset: '0',
      boxSizing: 'border-box',
      display: 'grid',
      placeItems: 'center',
      width: '100%',
      height: '100%',
      maxWidth: 'none',
      maxHeight: 'none',
      margin: '0',
      border: '0',
      padding: 'clamp(0px, 100vw - 640px, 32px)',
      outline: '0',
      overflow: 'hidden',
      background: 'rgb(0 0 0 / .5)',
    })
    Object.assign(this.frame.style, {
      gridArea: '1/1',
      maxWidth: '1080px',
      height: '100%',
      maxHeight: '860px',
      borderRadius: 'clamp(0px, 100vw - 640px, 12px)',
      opacity: '0',
    })
    // Until it is drawn, the focus and the Escape key are the modal's.
    this.frame.inert = true
    Object.assign(spinner.style, {
      gridArea: '1/1',
      width: '32px',
      height: '32px',
      boxSizing: 'border-box',
      border: '3px solid #fff',
      borderTopColor: 'transparent',
      borderRadius: '50%',
    })
    dialog.append(this.frame, spinner)
    // Until the checkout has its own way out, a touch closes it; the second half of a double click on a trigger does not.
    dialog.onclick = ({ detail }) => {
      if (!this.isLoaded && detail < 2) this.leave()
    }
    // Escape closes it; a browser that closes a modal anyway, at the second press, gets it opened again.
    dialog.oncancel = (event) => {
      event.preventDefault()
      this.leave()
    }
    dialog.onclose = () => {
      if (dialog.isConnected) this.leave()
      if (dialog.isConnected) dialog.showModal()
    }
    const { style } = document.documentElement
    const { overflow, scrollbarGutter } = style
    // The place of the scroll bar stays, so that nothing moves.
    if (innerWidth > document.documentElement.clientWidth) style.scrollbarGutter = 'stable'
    style.overflow = 'hidden'
    this.unlockScroll = () => Object.assign(style, { overflow, scrollbarGutter })
    document.body.append(dialog)
    dialog.showModal()
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) {
      spinner.animate({ rotate: ['0turn', '1turn'] }, { duration: 800, iterations: Number.POSITIVE_INFINITY })
    }
    return dialog
  }

  /** The frame stayed silent: says why, takes it away, and lets whoever waits for it know. */
  private refuse(origin: string): void {
    const text =
      `Polar: the checkout of ${origin} did not open in a frame of ${location.origin}. Only the origin that a ` +
      `checkout names may show it: create the checkout with "embed_origin": "${location.origin}"; for a checkout ` +
      `link, add "${location.host}" to the organization's embed_hosts.`
    console.error(text)
    this.settle(new Error(text))
    this.close()
  }

  /** Lets the page decide, then closes; not while a payment is under way. */
  private leave(): void {
    if (this.isClosable && this.dispatch({ event: 'close' })) this.close()
  }

  private dispatch(detail: EmbedEvents[keyof EmbedEvents]): boolean {
    return this.events.dispatchEvent(new CustomEvent(detail.event, { detail, cancelable: true }))
  }

  private readonly receive = ({ source, origin, data }: MessageEvent): void => {
    if (
      source !== this.frame.contentWindow ||
      !this.origins.includes(origin) ||
      data?.type !== POLAR_CHECKOUT
    )
      return
    this.hasOpened = true
    clearTimeout(this.timer)
    const message = data as CheckoutMessage
    const { frame, dialog } = this
    switch (message.event) {
      case 'opened':
      case 'unlocked':
        this.isClosable = true
        break
      case 'resize':
        if (!dialog) frame.style.height = `${Math.ceil(message.height)}px`
        break
      case 'loaded':
        if (this.isLoaded) break
        this.isLoaded = true
        if (this.dispatch(message)) dialog?.lastElementChild?.remove()
        if (dialog) {
          dialog.ariaBusy = null
          frame.inert = false
          frame.style.opacity = '1'
          frame.focus()
        }
        this.settle()
        break
      case 'close':
        this.leave()
        break
      case 'confirmed':
        if (this.dispatch(message)) this.isClosable = false
        break
      case 'success':
        if (this.dispatch(message)) {
          this.isClosable = true
          if (message.redirect && /^https?:/.test(message.successURL)) location.href = message.successURL
        }
    }
  }
}

/** A click on a trigger; one that asks for a new tab gets it. */
function follow(event: MouseEvent): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
  event.preventDefault()
  const trigger = event.currentTarget as HTMLElement
  const url = trigger.getAttribute('href') || trigger.getAttribute(TRIGGER) || ''
  const theme = trigger.getAttribute(`${TRIGGER}-theme`)
  EmbedCheckout.create(url, theme === 'dark' || theme === 'light' ? { theme } : {}).catch(() => {})
}

export type { EmbedEvents }
export { EmbedCheckout as PolarEmbedCheckout }
