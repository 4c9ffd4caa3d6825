# For `source`: where PostgreSQL's programs are, and a private server of one's own.

# The folder of the server programs: SAFEMIGRATE_TEST_PG_BIN, else the newest of PATH and Debian's folders.
postgres_bin() {
  if [ -n "${SAFEMIGRATE_TEST_PG_BIN:-}" ]; then
    [ -x "$SAFEMIGRATE_TEST_PG_BIN/initdb" ] && echo "$SAFEMIGRATE_TEST_PG_BIN"
    return
  fi
  local folder best="" newest=0 major
  local IFS=:
  for folder in $PATH $(printf '%s:' /usr/lib/postgresql/*/bin); do
    [ -x "$folder/initdb" ] || continue
    folder=$(dirname "$(readlink -f "$folder/initdb")") # PATH may hold links to some of them
    [ -x "$folder/psql" ] && [ -x "$folder/postgres" ] || continue
    major=$("$folder/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    if [ "$major" -gt "$newest" ]; then newest=$major best=$folder; fi
  done
  [ -n "$best" ] && echo "$best"
}

# PostgreSQL refuses to run as root: step down to another user.
as_server_user() {
  if [ "$(id -u)" != 0 ]; then "$@"; return; fi
  local user=postgres
  id -u "$user" >/dev/null 2>&1 || user=nobody
  setpriv --reuid "$(id -u "$user")" --regid "$(id -g "$user")" --clear-groups "$@"
}

# start_private_postgres FOLDER: a server below FOLDER; sets PRIVATE_URL (without a database) and PRIVATE_SOCKET.
start_private_postgres() {
  local folder=$1 bin port
  bin=$(postgres_bin)
  chmod 755 "$folder"
  mkdir "$folder/postgres"
  echo sesame >"$folder/postgres/password"
  if [ "$(id -u)" = 0 ]; then chown -R "$(id -u postgres 2>/dev/null || id -u nobody)" "$folder/postgres"; fi
  (
    cd "$folder/postgres"
    as_server_user "$bin/initdb" -D data -U postgres -E UTF8 --locale=C --pwfile=password --no-sync \
      --auth-local=trust --auth-host=scram-sha-256 >/dev/null
    for _ in 1 2 3 4 5; do
      port=$((20000 + RANDOM % 10000))
      as_server_user "$bin/pg_ctl" -D data -l log -w -s start \
        -o "-p $port -k $folder/postgres -c listen_addresses=127.0.0.1 -c fsync=${PRIVATE_FSYNC:-off}" 2>/dev/null && { echo "$port" >"$folder/port"; break; }
    done
    [ -e "$folder/port" ] || { cat log >&2; exit 1; }
  )
  read -r port <"$folder/port"
  PRIVATE_URL="postgresql://postgres:sesame@127.0.0.1:$port"
  PRIVATE_SOCKET="-h $folder/postgres -p $port -U postgres"
}

stop_private_postgres() {
  [ -d "$1/postgres/data" ] || return 0
  (cd "$1/postgres" && as_server_user "$(postgres_bin)/pg_ctl" -D data -m immediate -s stop) || true
}
