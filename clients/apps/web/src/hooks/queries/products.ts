export * from '@polar-sh/hooks/products'
