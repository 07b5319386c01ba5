import { loadMessages } from '@polar-sh/i18n'
import { applyTheme } from '@polar-sh/ui'
import { type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { firstLocale, LocaleProvider } from './locale'

/** Shows a page in the reader's language; in English where that language cannot be loaded. */
export async function mount(page: ReactNode): Promise<void> {
  applyTheme(new URLSearchParams(location.search).get('theme'))
  const wanted = firstLocale()
  const first = await loadMessages(wanted).then(
    (messages) => ({ locale: wanted, messages }),
    async () => ({ locale: 'en' as const, messages: await loadMessages('en') }),
  )
  document.documentElement.lang = first.locale
  const root = document.getElementById('root')
  if (!root) throw new Error('the page has no root')
  createRoot(root).render(
    <StrictMode>
      <LocaleProvider first={first}>{page}</LocaleProvider>
    </StrictMode>,
  )
}
