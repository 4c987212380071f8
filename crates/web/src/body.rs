//! Reading what was sent, with a limit to its size and its time.

use crate::app::App;
use crate::problem::Problem;
use actix_web::dev::Payload;
use actix_web::rt::time::timeout;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt;

/// No form and no JSON of ours is longer than a few settings, in bytes.
const LIMIT: usize = 64 * 1024;

/// The whole body of a request, read before anybody works on it, so that no handler waits for a slow client.
///
/// # Errors
/// [`Problem::TooLarge`]; [`Problem::TooSlow`]; [`Problem::Malformed`] when it does not arrive completely.
pub(crate) async fn whole(app: &App, payload: &mut Payload) -> Result<Bytes, Problem> {
    let read = async {
        let mut body = BytesMut::new();
        while let Some(part) = payload.next().await {
            let part =
                part.map_err(|_broken| Problem::Malformed("the body did not arrive completely".to_owned()))?;
            if body.len() + part.len() > LIMIT {
                return Err(Problem::TooLarge(LIMIT));
            }
            body.extend_from_slice(&part);
        }
        Ok(body.freeze())
    };
    timeout(app.body_timeout, read).await.unwrap_or(Err(Problem::TooSlow))
}
