import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** `pnpm test` needs nothing; `pnpm test:stack` asks a running stack, which tests/pages starts. */
const folder = process.env.PRICE_ID ? 'stack-tests' : 'src'

export default defineConfig({
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  test: { environment: 'happy-dom', include: [`${folder}/**/*.test.{ts,tsx}`], testTimeout: 30_000 },
})
