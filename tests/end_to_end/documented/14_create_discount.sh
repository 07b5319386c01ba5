# Create Discount, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 201 {"id":0,"code":0,"name":0,"type":0,"amount":0,"currency":0,"redemptions_count":0,"max_redemptions":0,"starts_at":0,"ends_at":0}
curl -X POST "https://api.polar.sh/v1/discounts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "code": "WINTER2025",
    "name": "Winter Sale 2025",
    "type": "percentage",
    "basis_points": 2000,
    "products": [
      "650e8400-e29b-41d4-a716-446655440001"
    ],
    "starts_at": "2025-01-01T00:00:00Z",
    "ends_at": "2025-03-31T23:59:59Z",
    "max_redemptions": 100
  }'

#= 201 {}
curl -X POST "https://api.polar.sh/v1/discounts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "code": "SAVE10",
    "name": "$10 Off",
    "type": "fixed",
    "amount": 1000,
    "currency": "usd",
    "products": ["650e8400-e29b-41d4-a716-446655440001"]
  }'
