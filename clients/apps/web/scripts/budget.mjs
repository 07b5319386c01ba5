// What a buyer's first view loads, compressed, against what it may be. Exits with 1 where it is too much.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const BUDGETS = { 'checkout.html': 110_000, 'embed.js': 3_000 }
/** What was built: PAGES names another folder. */
const dist = process.env.PAGES ?? fileURLToPath(new URL('../dist', import.meta.url))
const manifestPath = join(dist, '.vite', 'manifest.json')
if (!existsSync(manifestPath)) {
  console.error('there is no build: run pnpm build first')
  process.exit(1)
}
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'))

/** Every script that an entry loads at once: its own and, through them, what they import. */
function scripts(name, seen = new Set()) {
  if (seen.has(name)) return seen
  seen.add(name)
  for (const imported of manifest[name].imports ?? []) scripts(imported, seen)
  return seen
}

let isOver = false
for (const [page, budget] of Object.entries(BUDGETS)) {
  const files = page.endsWith('.js') ? [page] : [...scripts(page)].map((name) => manifest[name].file)
  const bytes = files.reduce(
    (sum, file) => sum + gzipSync(readFileSync(join(dist, file)), { level: 9 }).length,
    0,
  )
  console.log(`${page}: ${bytes} of ${budget} bytes of compressed script`)
  isOver ||= bytes > budget
}
process.exit(isOver ? 1 : 0)
