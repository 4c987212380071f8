# To be sourced. Runs a command as root: through sudo, unless the caller is root.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
