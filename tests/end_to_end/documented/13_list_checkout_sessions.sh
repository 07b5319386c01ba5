# List Checkout Sessions, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {}
curl -X GET "https://api.polar.sh/v1/checkouts/" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -d '{
    "organization_id": "550e8400-e29b-41d4-a716-446655440000",
    "status": "confirmed",
    "page": 1,
    "limit": 25
  }'
