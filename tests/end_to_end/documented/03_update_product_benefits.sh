# Update Product Benefits, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 {"id":0,"benefits":[{"id":0,"type":0,"description":0}]}
curl -X POST "https://api.polar.sh/v1/products/650e8400-e29b-41d4-a716-446655440001/benefits" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "benefits": [
      "850e8400-e29b-41d4-a716-446655440003",
      "850e8400-e29b-41d4-a716-446655440004"
    ]
  }'
