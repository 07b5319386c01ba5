import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
/** The gateway that `pnpm dev` asks: the one of `./polar up`, unless POLAR_API_URL names another. */
const gateway = process.env.POLAR_API_URL ?? 'http://127.0.0.1:8000'
const proxied = ['/v1', '/config.json', '/_stripe', '/openapi.json']

export default defineConfig({
  plugins: [react(), tailwindcss(), pages()],
  resolve: { alias: { '@': at('./src') } },
  server: { port: 3000, proxy: Object.fromEntries(proxied.map((path) => [path, gateway])) },
  build: {
    target: 'es2022',
    manifest: true,
    modulePreload: { polyfill: false },
    // The pages' policy allows no script but those of this address, so that nothing is inlined.
    assetsInlineLimit: 0,
    rollupOptions: {
      input: {
        checkout: at('./checkout.html'),
        portal: at('./portal.html'),
        rights: at('./rights.html'),
        missing: at('./missing.html'),
      },
    },
  },
})

/** Serves each page's addresses in development as the gateway does: `/checkout/…` is checkout.html. */
function pages() {
  return {
    name: 'pages',
    configureServer(server: { middlewares: { use: (handler: Handler) => void } }) {
      server.middlewares.use((request, _response, next) => {
        const path = request.url?.split('?')[0] ?? ''
        if (path.startsWith('/src/')) return next() // a module, such as /src/portal/session.ts
        if (/^\/checkout(\/|$)/.test(path)) request.url = '/checkout.html'
        if (/^\/([a-z0-9-]+\/)?portal(\/|$)/.test(path)) request.url = '/portal.html'
        if (/^\/[a-z0-9-]+\/(withdraw|cancel)\/?$/.test(path)) request.url = '/rights.html'
        next()
      })
    },
  }
}

type Handler = (request: { url?: string }, response: unknown, next: () => void) => void
