# Create Checkout Session, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 201 {"id":0,"client_secret":0,"url":0,"status":0,"expires_at":0,"payment_processor":0,"amount":0,"tax_amount":0,"currency":0,"product_price":{"id":0,"product_id":0}}
curl -X POST "https://api.polar.sh/v1/checkouts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "product_price_id": "750e8400-e29b-41d4-a716-446655440002",
    "success_url": "https://example.com/success",
    "customer_email": "customer@example.com",
    "customer_name": "John Doe",
    "metadata": {
      "campaign": "winter_sale",
      "referrer": "partner_site"
    },
    "allow_discount_codes": true
  }'
