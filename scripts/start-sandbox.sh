# To be sourced. Starts the simulators of GoHighLevel, Meta, Claude and a mail server on this machine, with Meta's clock
# 3,600 times as fast. They end together with the script that sourced this, however it ends: their standard input closes then.
#
#   start_sandbox <program>
#   "${ON_SANDBOX[@]}" NAME=value… <program> sync
#
# ON_SANDBOX runs a command with the settings that lead it to the simulators, PATH and HOME, and with nothing else of the
# caller's environment: the DATABASE_URL and the webhook of a real installation may be there.

start_sandbox() {
  local announced settings
  coproc SANDBOX { exec env -i "$1" sandbox --clock-rate 3600 --until-stdin-closes; }
  IFS= read -r announced <&"${SANDBOX[0]}"
  # {"NAME":"value","NAME":"value"}, and in no value a quotation mark.
  settings=${announced#*'"settings":{"'}
  settings=${settings%%'"}'*}
  settings=${settings//'":"'/=}
  mapfile -t settings <<<"${settings//'","'/$'\n'}"
  ON_SANDBOX=(
    env -i "PATH=$PATH" "HOME=${HOME:-/}"
    "${settings[@]}"
  )
  SANDBOX_CONTROL=${announced#*'"control":"'}
  SANDBOX_CONTROL=${SANDBOX_CONTROL%%'"'*}
}
