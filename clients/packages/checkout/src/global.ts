/** The script of a plain page: `Polar.EmbedCheckout`, and with `data-auto-init` every trigger of the page. */
import { PolarEmbedCheckout } from './embed'

declare global {
  interface Window {
    Polar?: { EmbedCheckout?: typeof PolarEmbedCheckout }
  }
}

window.Polar = { ...window.Polar, EmbedCheckout: PolarEmbedCheckout }

if (document.currentScript?.hasAttribute('data-auto-init')) {
  if (document.readyState === 'loading') addEventListener('DOMContentLoaded', PolarEmbedCheckout.init)
  else PolarEmbedCheckout.init()
}
