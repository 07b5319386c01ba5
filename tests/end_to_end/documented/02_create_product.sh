# Create Product, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 201 {"id":0,"name":0,"description":0,"is_archived":0,"is_recurring":0,"recurring_interval":0,"stripe_product_id":0,"organization_id":0,"created_at":0}
curl -X POST "https://api.polar.sh/v1/products/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Enterprise Plan",
    "description": "Full access to all features with priority support",
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "is_recurring": true,
    "recurring_interval": "month",
    "prices": [
      {
        "type": "recurring",
        "amount_type": "fixed",
        "price_amount": 9900,
        "price_currency": "usd"
      }
    ],
    "medias": ["media-file-id-1", "media-file-id-2"]
  }'
