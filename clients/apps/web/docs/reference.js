SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  // The document has close to two hundred operations: each is drawn when it is opened.
  docExpansion: 'none',
  defaultModelsExpandDepth: -1,
})
