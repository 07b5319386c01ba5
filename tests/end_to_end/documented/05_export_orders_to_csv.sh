# Export Orders to CSV, as the documented API has it. Above each command: the status, and the keys or the columns of the answer.

#= 200 csv Order ID,Created At,Amount,Tax Amount,Currency,Customer Email,Customer Name,Product Name,Subscription ID,Discount Code
curl -X GET "https://api.polar.sh/v1/orders/export?organization_id=550e8400-e29b-41d4-a716-446655440000" \
  -H "Authorization: Bearer YOUR_ACCESS_TOKEN" \
  --output orders.csv
