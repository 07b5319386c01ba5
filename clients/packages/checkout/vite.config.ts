import { defineConfig } from 'vite'

/** Two builds: the module of `@polar-sh/checkout/embed`, and with `--mode global` the script that the gateway serves. */
export default defineConfig(({ mode }) => {
  const isGlobal = mode === 'global'
  return {
    build: {
      target: 'es2022',
      emptyOutDir: !isGlobal,
      lib: {
        entry: isGlobal ? './src/global.ts' : './src/embed.ts',
        formats: [isGlobal ? 'iife' : 'es'],
        name: 'PolarCheckout',
        fileName: () => (isGlobal ? 'embed.global.js' : 'embed.js'),
      },
    },
  }
})
