//! Reading what was sent, with a limit to its size and its time.

use crate::app::App;
use crate::problem::Problem;
use actix_web::HttpRequest;
use actix_web::rt::time::timeout;
use actix_web::web::{Bytes, Data, Payload};

/// The whole body.
///
/// # Errors
/// [`Problem::TooLarge`]; [`Problem::TooSlow`]; [`Problem::Malformed`] when it does not arrive completely.
pub(crate) async fn read(request: &HttpRequest, payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let app = request.app_data::<Data<App>>().ok_or_else(|| Problem::System("no state".to_owned()))?;
    match timeout(app.body_timeout, payload.to_bytes_limited(limit)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_broken))) => Err(Problem::Malformed("the body did not arrive completely".to_owned())),
        Ok(Err(_limit)) => Err(Problem::TooLarge(limit)),
        Err(_elapsed) => Err(Problem::TooSlow),
    }
}
