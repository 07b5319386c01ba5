// After vite: the script for sellers' pages and the API reference beside the pages, and a compressed copy of every text file for nginx's gzip_static.
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const web = fileURLToPath(new URL('..', import.meta.url))
const dist = join(web, 'dist')
const swagger = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))

mkdirSync(join(dist, 'docs'), { recursive: true })
for (const name of ['index.html', 'reference.js']) cpSync(join(web, 'docs', name), join(dist, 'docs', name))
for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']) {
  cpSync(join(swagger, name), join(dist, 'docs', name))
}

cpSync(
  fileURLToPath(new URL('../../../packages/checkout/dist/embed.global.js', import.meta.url)),
  join(dist, 'embed.js'),
)

const SMALLEST = 512
for (const entry of readdirSync(dist, { recursive: true })) {
  const path = join(dist, String(entry))
  if (!/\.(js|css|html|svg|json)$/.test(path) || statSync(path).size < SMALLEST) continue
  writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }))
}
