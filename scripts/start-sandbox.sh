# To be sourced. Starts the simulators of GoHighLevel, Meta, Claude and a mail server on this machine, with Meta's clock
# 3,600 times as fast, and exports the settings that lead the program there. They end together with the script that
# sourced this, however it ends: their standard input closes then.
#
#   start_sandbox <program>

start_sandbox() {
  local announced
  coproc SANDBOX { exec env -i "$1" sandbox --clock-rate 3600 --until-stdin-closes; }
  IFS= read -r announced <&"${SANDBOX[0]}"
  announced() { sed -E "s/.*\"$1\":\"?([^\",}]*).*/\1/" <<<"$announced"; }
  GHL_BASE_URL=$(announced ghl)
  GHL_API_KEY=$(announced ghl_token)
  GHL_LOCATION_ID=$(announced ghl_location_id)
  META_GRAPH_URL=$(announced meta)
  META_ACCESS_TOKEN=$(announced meta_access_token)
  META_AD_ACCOUNT_ID=act_$(announced meta_ad_account_id)
  META_POLL_SECONDS=1
  CLAUDE_BASE_URL=$(announced claude)
  CLAUDE_API_KEY=$(announced claude_key)
  SMTP_HOST=$(announced smtp_host)
  SMTP_PORT=$(announced smtp_port)
  SMTP_TLS=none
  SMTP_FROM_EMAIL=sync@example.com
  SMTP_TO_EMAIL=marketing@example.com
  export GHL_BASE_URL GHL_API_KEY GHL_LOCATION_ID META_GRAPH_URL META_ACCESS_TOKEN META_AD_ACCOUNT_ID META_POLL_SECONDS \
    CLAUDE_BASE_URL CLAUDE_API_KEY SMTP_HOST SMTP_PORT SMTP_TLS SMTP_FROM_EMAIL SMTP_TO_EMAIL
  SANDBOX_CONTROL=$(announced control)
}
