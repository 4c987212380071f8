//! Reading what was sent, with a limit to its size and its time.

use crate::app::App;
use crate::problem::Problem;
use actix_web::body::{BodyStream, to_bytes_limited};
use actix_web::dev::Payload;
use actix_web::rt::time::timeout;
use actix_web::web::Bytes;

/// No form and no JSON of ours is longer than a few settings, in bytes.
const LIMIT: usize = 64 * 1024;

/// The whole body of a request, read before anybody works on it, so that no handler waits for a slow client.
///
/// # Errors
/// [`Problem::TooLarge`]; [`Problem::TooSlow`]; [`Problem::Malformed`] when it does not arrive completely.
pub(crate) async fn whole(app: &App, payload: &mut Payload) -> Result<Bytes, Problem> {
    match timeout(app.body_timeout, to_bytes_limited(BodyStream::new(payload), LIMIT)).await {
        Ok(Ok(Ok(body))) => Ok(body),
        Ok(Ok(Err(_broken))) => Err(Problem::Malformed("the body did not arrive completely".to_owned())),
        Ok(Err(_exceeded)) => Err(Problem::TooLarge(LIMIT)),
        Err(_elapsed) => Err(Problem::TooSlow),
    }
}
