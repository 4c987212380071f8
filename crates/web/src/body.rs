//! Reading what was sent, with a limit.

use crate::problem::Problem;
use actix_web::web::{Bytes, Payload};

/// The whole body.
///
/// # Errors
/// [`Problem::TooLarge`]; [`Problem::Malformed`] when it does not arrive completely.
pub(crate) async fn read(payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    match payload.to_bytes_limited(limit).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_broken)) => Err(Problem::Malformed("the body did not arrive completely".to_owned())),
        Err(_limit) => Err(Problem::TooLarge(limit)),
    }
}
