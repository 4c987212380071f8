#!/bin/sh
# Starts a PostgreSQL server for tests in a folder of its own, prints the folder, and stops the server when standard
# input ends: that is, also when whoever holds the other end is killed. PostgreSQL refuses to run as root, so root
# steps down to `nobody`. The lines "stop" and "start" on standard input stop the server as a power cut would and start it
# again; each is repeated on standard output when that is done.
#
#   run_postgres_server.sh PROGRAMS            listens on a Unix socket in the folder only: no fight over ports
#   run_postgres_server.sh PROGRAMS TLS_PORT   listens on that port of 127.0.0.1 as well, where it accepts encrypted
#                                              connections only; the certificate, its own authority, is in server.crt
programs=$1
tls_port=${2:-}
folder=$(mktemp -d) || exit 1
as=
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=nobody --regid=$(id -g nobody) --clear-groups --"
    chown nobody "$folder" || exit 1
fi
trap '$as "$programs/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1; rm -rf "$folder"' EXIT
trap 'exit 1' TERM INT HUP
cd "$folder" || exit 1
$as "$programs/initdb" -D data -U postgres --auth=trust -E UTF8 --locale=C --no-sync >initdb.log 2>&1 \
    || { cat initdb.log >&2; exit 1; }
options="-c listen_addresses='' -c unix_socket_directories=$folder -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c max_connections=400"
if [ -n "$tls_port" ]; then
    $as openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=database.example.com \
        -addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.crt 2>openssl.log \
        || { cat openssl.log >&2; exit 1; }
    $as chmod 600 server.key
    printf 'local all all trust\nhostssl all all 127.0.0.1/32 trust\n' >data/pg_hba.conf
    options="$options -c listen_addresses=127.0.0.1 -c port=$tls_port -c ssl=on \
        -c ssl_cert_file=$folder/server.crt -c ssl_key_file=$folder/server.key"
fi
start() {
    $as "$programs/pg_ctl" -D data -l data/server.log -o "$options" -w start >/dev/null 2>&1 \
        || { cat data/server.log >&2; exit 1; }
}
start
echo "$folder"
while read -r order; do
    case $order in
        stop) $as "$programs/pg_ctl" -D data -m immediate -w stop >/dev/null 2>&1 ;;
        start) start ;;
    esac
    echo "$order"
done
