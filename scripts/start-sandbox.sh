# To be sourced. Starts the simulators of GoHighLevel, Meta, Claude and a mail server on this machine, with Meta's clock
# 3,600 times as fast. They end together with the script that sourced this, however it ends: their standard input closes then.
#
#   start_sandbox <program>
#   "${ON_SANDBOX[@]}" NAME=value… <program> sync
#
# ON_SANDBOX runs a command with the settings that lead it to the simulators, PATH and HOME, and with nothing else of the
# caller's environment: the DATABASE_URL and the webhook of a real installation may be there.

start_sandbox() {
  local announced
  coproc SANDBOX { exec env -i "$1" sandbox --clock-rate 3600 --until-stdin-closes; }
  IFS= read -r announced <&"${SANDBOX[0]}"
  announced() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/" <<<"$announced"; }
  ON_SANDBOX=(
    env -i "PATH=$PATH" "HOME=${HOME:-/}"
    "GHL_BASE_URL=$(announced ghl)"
    "GHL_API_KEY=$(announced ghl_token)"
    "GHL_LOCATION_ID=$(announced ghl_location_id)"
    GHL_SMART_LIST_ID=all
    GHL_LTV_FIELD=contact.lifetime_value
    "META_GRAPH_URL=$(announced meta)"
    "META_ACCESS_TOKEN=$(announced meta_access_token)"
    "META_AD_ACCOUNT_ID=act_$(announced meta_ad_account_id)"
    META_POLL_SECONDS=1
    "CLAUDE_BASE_URL=$(announced claude)"
    "CLAUDE_API_KEY=$(announced claude_key)"
    "SMTP_HOST=$(announced smtp_host)"
    "SMTP_PORT=$(announced smtp_port)"
    SMTP_TLS=none
    SMTP_FROM_EMAIL=sync@example.com
    SMTP_TO_EMAIL=marketing@example.com
  )
  SANDBOX_CONTROL=$(announced control)
}
