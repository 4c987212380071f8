//! The same messages for a chat, by one POST to its webhook.

use crate::error::WebhookError;
use crate::mail::Mail;
use domain::Secret;
use domain::foreign_text::presentable;
use http_client::{BaseUrl, BaseUrlError, Body, HttpClient, HttpSettings, Method, Request};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(20);

/// Slack answers `ok`, others with nothing or a little JSON.
const MAX_REPLY_BYTES: u64 = 64 << 10;

/// The longest text that every one of them takes, in characters: Discord's limit
/// (<https://discord.com/developers/docs/resources/webhook>); Slack and Mattermost take more.
const LONGEST_TEXT: usize = 2000;

/// Posts messages to the address of `NOTIFY_WEBHOOK_URL`, as Slack's incoming webhooks take them
/// (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>); Mattermost and, at addresses that end
/// in `/slack`, Discord take the same. Every method blocks.
#[derive(Debug)]
pub struct Webhook {
    /// A secret: whoever has it can post.
    address: Secret,
    http: HttpClient,
}

impl Webhook {
    /// Checks the address; nothing is connected yet. It is https, or plain http to this machine.
    ///
    /// # Errors
    /// [`BaseUrlError`] says what is wrong with it, without repeating it.
    pub fn new(address: &Secret) -> Result<Self, BaseUrlError> {
        let address = Secret::new(BaseUrl::parse(address.expose())?.to_string());
        Ok(Self { address, http: http(TOTAL_TIMEOUT) })
    }

    /// With another limit for the whole call, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn with_timeout(self, total_timeout: Duration) -> Self {
        Self { http: http(total_timeout), ..self }
    }

    /// Posts subject and text of a mail as one message.
    ///
    /// The wait for the connection is limited to 10 seconds, the whole call to 20, the reply to 64 kB; redirects are not
    /// followed. Nothing is retried here. Webhooks know no ids of messages: after a lost reply a second attempt may show
    /// the message twice.
    ///
    /// # Errors
    /// [`WebhookError`]
    pub fn post(&self, mail: &Mail) -> Result<(), WebhookError> {
        let body = serde_json::json!({ "text": text(mail) }).to_string();
        let reply = self
            .http
            .send(Request {
                method: Method::Post,
                url: self.address.expose().to_owned(),
                query: Vec::new(),
                headers: Vec::new(),
                body: Body::Json(body.as_bytes()),
            })
            // The library's own error may repeat the address.
            .map_err(|error| WebhookError::Transport(error.fault))?;
        if reply.is_success() {
            log::info!("message {} posted to the webhook", mail.message_id);
            return Ok(());
        }
        let said = presentable(&String::from_utf8_lossy(&reply.body), &self.secrets());
        Err(WebhookError::Refused { status: reply.status, said })
    }

    /// The address and the parts of its path that are long enough to be a secret.
    fn secrets(&self) -> Vec<&str> {
        let parts = self.address.expose().split('/').skip(3).filter(|part| part.len() >= 6);
        std::iter::once(self.address.expose()).chain(parts).collect()
    }
}

fn http(total_timeout: Duration) -> HttpClient {
    let settings = HttpSettings {
        service: "Webhook",
        connect_timeout: CONNECT_TIMEOUT,
        total_timeout,
        max_body_bytes: MAX_REPLY_BYTES,
    };
    HttpClient::new(settings).with_secret_paths()
}

/// Subject and text; of a text that is too long the beginning, and where the rest is found.
fn text(mail: &Mail) -> String {
    let whole = fit(&format!("{}\n\n{}", mail.subject, mail.text));
    if whole.chars().count() <= LONGEST_TEXT {
        return whole;
    }
    let end = format!("…\n\n{}", fit(&mail.link));
    let room = LONGEST_TEXT.saturating_sub(end.chars().count());
    // An escaped letter must not be cut in two.
    let mut beginning: String = whole.chars().take(room).collect();
    if let Some(at) = beginning.rfind('&').filter(|at| !beginning[*at..].contains(';')) {
        beginning.truncate(at);
    }
    beginning + &end
}

/// Slack's three escapes, which keep a name from becoming a link or a call such as `<!channel>`; a character without
/// width after each `@`, which keeps others from reading `@everyone` as a call.
fn fit(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "@\u{200b}")
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_TEXT, text};
    use crate::mail::Mail;

    fn mail(body: &str) -> Mail {
        Mail {
            subject: "❌ Failed".to_owned(),
            text: body.to_owned(),
            html: String::new(),
            message_id: String::new(),
            link: "https://sync.example.com/sync/7".to_owned(),
        }
    }

    #[test]
    fn names_can_not_call_anybody() {
        assert_eq!(
            text(&mail("List: <!channel> & @everyone <https://evil.example|x>")),
            "❌ Failed\n\nList: &lt;!channel&gt; &amp; @\u{200b}everyone &lt;https://evil.example|x&gt;"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_letters_and_leads_to_the_rest() {
        for filling in ["ä", "&", "<a", "x&"] {
            for shift in 0..6 {
                let body = "-".repeat(shift) + &filling.repeat(3000);
                let told = text(&mail(&body));
                assert!(told.chars().count() <= LONGEST_TEXT, "{}", told.chars().count());
                assert!(told.chars().count() > LONGEST_TEXT - 10);
                let (beginning, _) = told.split_once("…\n\nhttps://sync.example.com/sync/7").unwrap();
                let unescaped =
                    ["&amp;", "&lt;", "&gt;"].iter().fold(beginning.to_owned(), |t, e| t.replace(e, ""));
                assert!(!unescaped.contains('&'), "{}", &beginning[beginning.len() - 10..]);
            }
        }
    }
}
