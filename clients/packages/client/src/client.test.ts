import { expect, test } from 'vitest'
import { ApiError, createClient, unwrap } from './index'

const answering = (status: number, body: unknown) => {
  const asked: Request[] = []
  const client = createClient({
    baseUrl: 'http://api.test',
    token: 'polar_oat_1',
    fetch: async (request: Request) => {
      asked.push(request)
      const type = typeof body === 'string' ? 'text/html' : 'application/json'
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return new Response(text, { status, headers: { 'Content-Type': type } })
    },
  })
  return { client, asked }
}

const product = { params: { path: { id: '0197f3a2-7c1e-7d4b-9f0a-3c5e8d2b6a41' } } }

test('a request names the version and carries the token', async () => {
  const { client, asked } = answering(200, { id: 'x', name: 'Handbook' })
  const found = await unwrap(client.GET('/v1/products/{id}', product))
  expect(found.name).toBe('Handbook')
  expect(asked[0]?.headers.get('Polar-Version')).toBe('2026-10')
  expect(asked[0]?.headers.get('Authorization')).toBe('Bearer polar_oat_1')
  expect(asked[0]?.url).toBe('http://api.test/v1/products/0197f3a2-7c1e-7d4b-9f0a-3c5e8d2b6a41')
})

test('a refused payload is an error that names its fields', async () => {
  const detail = [{ loc: ['body', 'name'], msg: 'Field required', type: 'missing' }]
  const { client } = answering(422, { error: 'RequestValidationError', detail })
  const refusal = await unwrap(client.GET('/v1/products/{id}', product)).catch((error) => error)
  expect(refusal).toBeInstanceOf(ApiError)
  expect(refusal.status).toBe(422)
  expect(refusal.problems).toEqual(detail)
  expect(refusal.message).toBe('Field required')
})

test('an answer that is not JSON is an error with its status', async () => {
  const { client } = answering(502, '<h1>Bad gateway</h1>')
  const refusal = await unwrap(client.GET('/v1/products/{id}', product)).catch((error) => error)
  expect(refusal).toMatchObject({ status: 502, kind: '', problems: [], message: 'HTTP 502' })
})
