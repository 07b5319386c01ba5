#!/bin/sh
# Run once by the postgres image on an empty volume: one role and one database a service, closed to the others.
set -eu
for service in identity catalog checkout billing benefits webhooks metering; do
    password=$(printenv "$(echo "$service" | tr '[:lower:]' '[:upper:]')_DATABASE_PASSWORD")
    psql -v ON_ERROR_STOP=1 -v name="$service" -v password="$password" --username "$POSTGRES_USER" <<'SQL'
create role :"name" login nosuperuser nocreatedb nocreaterole connection limit 150 password :'password';
create database :"name" owner :"name";
revoke all on database :"name" from public;
SQL
    psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$service" -c 'create extension if not exists citext'
done
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" -c 'revoke connect on database postgres, template1 from public'
