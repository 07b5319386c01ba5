#!/bin/sh
# Writes nginx's configuration to standard output: the template named by $1, filled in from the environment.
# The image and ./polar both run this. It stops with one line for a setting that cannot be used.
set -eu

refuse() { echo "gateway cannot start: $1" >&2; exit 78; }

# Requests a second of one token or address, how many may come at once, and login codes a minute of one address.
: "${GATEWAY_RATE_ORGANIZATION:=100}" "${GATEWAY_RATE_PERSONAL:=50}" "${GATEWAY_RATE_CUSTOMER:=20}"
: "${GATEWAY_RATE_PUBLIC:=30}" "${GATEWAY_RATE_PROCESSOR:=500}" "${GATEWAY_RATE_PAGES:=100}" "${GATEWAY_BURST:=200}"
: "${GATEWAY_LOGINS_PER_MINUTE:=6}" "${GATEWAY_LOGINS_BURST:=10}"
limits="GATEWAY_RATE_ORGANIZATION GATEWAY_RATE_PERSONAL GATEWAY_RATE_CUSTOMER GATEWAY_RATE_PUBLIC GATEWAY_RATE_PROCESSOR"
limits="$limits GATEWAY_RATE_PAGES GATEWAY_BURST GATEWAY_LOGINS_PER_MINUTE GATEWAY_LOGINS_BURST"
# What an operator sets stands in nginx's configuration: only what it may consist of is let through.
for name in $limits; do
    eval "value=\$$name"
    case $value in 0* | *[!0-9]*) refuse "$name is no whole number above 0" ;; esac
    export "$name"
done

# Where the gateway asks itself before it asks identity: nobody else comes there.
: "${GATEWAY_LOOKUPS:=127.0.0.1:8009}"
export GATEWAY_LOOKUPS

GATEWAY_REAL_IP=
for network in $(echo "${GATEWAY_TRUSTED_PROXIES:-}" | tr ',' ' '); do
    case $network in *[!0-9A-Fa-f.:/]*) refuse "GATEWAY_TRUSTED_PROXIES has $network, which is no address or network" ;; esac
    GATEWAY_REAL_IP="$GATEWAY_REAL_IP set_real_ip_from $network;"
done
[ -z "$GATEWAY_REAL_IP" ] || GATEWAY_REAL_IP="$GATEWAY_REAL_IP real_ip_header X-Forwarded-For; real_ip_recursive on;"

GATEWAY_RESOLVE=' max_fails=0' GATEWAY_RESOLVER_LINE=
if [ -n "${GATEWAY_RESOLVER:-}" ]; then
    case $GATEWAY_RESOLVER in *[!0-9A-Fa-f.:]*) refuse "GATEWAY_RESOLVER is no address of a name server" ;; esac
    # While a service has two addresses, one that refuses is left alone until its name was looked up again.
    GATEWAY_RESOLVE=' max_fails=1 fail_timeout=10s resolve'
    GATEWAY_RESOLVER_LINE="resolver $GATEWAY_RESOLVER valid=1s ipv6=off; resolver_timeout 2s;"
fi

# Where the pages' card form comes from: Stripe itself, unless the local stand-in runs.
: "${STRIPE_JS_URL:=https://js.stripe.com/endive/stripe.js}" "${STRIPE_SANDBOX_UPSTREAM:=127.0.0.1:9}"
: "${STRIPE_PUBLISHABLE_KEY:=}"
case $STRIPE_JS_URL in
    *[!A-Za-z0-9:/._-]*) refuse "STRIPE_JS_URL is no address of a script" ;;
    https://js.stripe.com/?* | /_stripe/?*) ;;
    *) refuse "STRIPE_JS_URL is neither Stripe's (https://js.stripe.com/…) nor the stand-in's (/_stripe/…)" ;;
esac
case $STRIPE_PUBLISHABLE_KEY in *[!A-Za-z0-9_]*) refuse "STRIPE_PUBLISHABLE_KEY is no publishable key" ;; esac
export STRIPE_JS_URL STRIPE_PUBLISHABLE_KEY STRIPE_SANDBOX_UPSTREAM

GATEWAY_SECURITY_TXT='return 404;'
if [ -n "${SECURITY_CONTACT:-}" ]; then
    contact=$SECURITY_CONTACT
    case $contact in
        *[!A-Za-z0-9@:/._~+=%?\&-]*) contact= ;;
        https://?* | mailto:?*@?*) ;;
        *:* | */* | *@*@*) contact= ;;
        ?*@?*) contact=mailto:$contact ;;
        *) contact= ;;
    esac
    [ -n "$contact" ] || refuse "SECURITY_CONTACT is neither a mail address nor an https:// address"
    site=${PUBLIC_URL:-}
    case $site in
        *[!A-Za-z0-9:/._~%-]*) site= ;;
    esac
    case $site in
        https://?* | http://?*) ;;
        *) refuse "PUBLIC_URL is not the address that clients call, and SECURITY_CONTACT is published with it" ;;
    esac
    # The standard asks for less than a year: each start of the gateway renews it.
    expires=$(date -u -d '+360 days' +%Y-%m-%dT%H:%M:%SZ)
    text="Contact: $contact\\nExpires: $expires\\nCanonical: ${site%/}/.well-known/security.txt\\nPreferred-Languages: en\\n"
    GATEWAY_SECURITY_TXT="default_type 'text/plain; charset=utf-8'; add_header Cache-Control no-cache; return 200 '$text';"
fi
export GATEWAY_REAL_IP GATEWAY_RESOLVE GATEWAY_RESOLVER_LINE GATEWAY_SECURITY_TXT

# Only ${NAMES} in capitals; nginx's own $variables stay as they are.
awk '{
    rest = $0; line = ""
    while (match(rest, /\$\{[A-Z][A-Z_]*\}/)) {
        name = substr(rest, RSTART + 2, RLENGTH - 3)
        if (!(name in ENVIRON)) { print "gateway cannot start: " name " is not set" > "/dev/stderr"; exit 78 }
        line = line substr(rest, 1, RSTART - 1) ENVIRON[name]
        rest = substr(rest, RSTART + RLENGTH)
    }
    print line rest
}' "$1"
