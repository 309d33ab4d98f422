#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes test certificates in the directory $1: a CA that the tests trust (ca.pem) with a server (server.pem), a server
# of another name (elsewhere.pem) and a client (client.pem); and a CA that nobody trusts (stranger-ca.pem) with a
# server of the right name (stranger.pem). Keys beside them as *.key.
set -eu
cd "$1"
key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null ||
        openssl ecparam -genkey -name prime256v1 -noout -out "$1.key"; }
authority() {
  key "$1"
  openssl req -x509 -new -key "$1.key" -subj "/CN=$1" -days 3650 -out "$1.pem" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
}
signed() {  # name, authority, extension
  key "$1"
  printf 'basicConstraints=CA:FALSE\n%s\n' "$3" > "$1.ext"
  openssl req -new -key "$1.key" -subj "/CN=$1" 2>/dev/null |
    openssl x509 -req -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 3650 -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}
authority ca
authority stranger-ca
signed server ca "subjectAltName=DNS:localhost,IP:127.0.0.1"
signed elsewhere ca "subjectAltName=DNS:elsewhere.example"
signed client ca "extendedKeyUsage=clientAuth"
signed stranger stranger-ca "subjectAltName=DNS:localhost,IP:127.0.0.1"
